// The page's line to the terminal: views in, commands out.

const SILENCE_MS = 15000; // three beats of the server
const RETRY_MS = [500, 1000, 2000, 4000];

function ownBundle() {
  const match = /\/app\/([0-9a-f]{8})\//.exec(import.meta.url);
  return match ? match[1] : null;
}

// Calls on.view(view) with each new view, on.stale(bool) when the terminal
// falls silent or is back. Connects again for as long as the page is open.
export function listen(on) {
  let source = null;
  let watchdog = null;
  let failures = 0;

  function lost() {
    source.close();
    clearTimeout(watchdog);
    on.stale(true);
    const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)];
    failures += 1;
    setTimeout(connect, wait);
  }

  function heard() {
    clearTimeout(watchdog);
    watchdog = setTimeout(lost, SILENCE_MS);
  }

  function onView(event) {
    heard();
    failures = 0;
    on.stale(false);
    on.view(JSON.parse(event.data));
  }

  // A terminal that was updated serves other modules: take them.
  function onHello(event) {
    heard();
    const bundle = ownBundle();
    if (bundle && JSON.parse(event.data).bundle !== bundle) location.reload();
  }

  function connect() {
    source = new EventSource('/api/events');
    source.addEventListener('hello', onHello);
    source.addEventListener('view', onView);
    source.addEventListener('recorded', heard);
    source.addEventListener('beat', heard);
    source.addEventListener('error', lost);
    heard();
  }

  connect();
}

// Answers null when the terminal took the command, else {text}: what it said,
// empty when it could not be reached.
export async function command(path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(8000),
    });
  } catch {
    return { text: '' };
  }
  if (answer.ok) return null;
  const fault = await answer.json().catch(() => ({}));
  return { text: String(fault.message ?? '') };
}
