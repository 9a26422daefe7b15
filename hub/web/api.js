// Asks the hub. The token lives in this tab's session storage and nowhere else.

const KEY = 'tessera-token';

export const token = {
  get: () => sessionStorage.getItem(KEY) || '',
  set: (value) => sessionStorage.setItem(KEY, value),
  clear: () => sessionStorage.removeItem(KEY),
};

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function get(path) {
  let response;
  try {
    response = await fetch(path, {
      headers: { Authorization: `Bearer ${token.get()}` },
      cache: 'no-store',
      credentials: 'omit',
    });
  } catch {
    throw new ApiError(0, 'unreachable');
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, body.message || response.statusText);
  return body;
}

export function lookup(type, value) {
  return get(`/api/people/lookup?${new URLSearchParams({ type, value })}`);
}

export function people(after) {
  return get(`/api/people?${new URLSearchParams({ limit: '40', ...(after ? { after } : {}) })}`);
}

// Everything of the overview; a part that fails says so and hides nothing else.
export async function overview() {
  const paths = {
    stores: '/api/stores',
    alarms: '/api/alarms',
    holes: '/api/holes',
    counts: '/api/counts',
    people: '/api/people/counts',
  };
  const names = Object.keys(paths);
  const answers = await Promise.allSettled(names.map((name) => get(paths[name])));
  const result = {};
  answers.forEach((answer, i) => {
    if (answer.status === 'rejected' && [0, 401].includes(answer.reason.status)) throw answer.reason;
    result[names[i]] = answer.status === 'fulfilled' ? answer.value : null;
  });
  return result;
}
