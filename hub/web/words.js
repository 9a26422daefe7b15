// Italian and English, and numbers and times as each writes them.

const words = {
  en: {
    console: 'Console', signIn: 'Sign in', signOut: 'Sign out', token: 'Access token',
    tokenHelp: 'Made on the hub with: tessera-hub token add <name>', wrongToken: 'This token is not known. Check it, or make a new one.',
    overview: 'Stores', people: 'People', search: 'Find', searchFor: 'What to look for', value: 'Value',
    card: 'Card', email: 'E-mail', user_id: 'User id', anonymous_id: 'Browser or app', phone: 'Phone', person: 'Person id',
    lanes: 'Lanes online', unsent: 'Waiting in lanes', alarms: 'Alarms', holes: 'Holes', quarantine: 'In quarantine', known: 'People known',
    aside: 'Set aside', events: 'Store events',
    allGood: 'No alarms. Every event that arrived is archived.', noStores: 'No store has reported yet. A terminal appears here at its first contact.',
    lane: 'Lane', state: 'State', lastContact: 'Last contact', toSend: 'Unsent', version: 'Version',
    online: 'Online', offline: 'Offline', never: 'never', recent: 'Seen last', noPeople: 'Nobody yet. The first card or sign-in makes the first person.',
    nobody: 'Nobody is known by this.', identifiers: 'Identifiers', journey: 'Journey', since: 'known since', lastSeen: 'last seen',
    aliases: 'Former ids', household: 'Household', householdText: 'is used by several people; it joins nobody.', members: 'people',
    noJourney: 'No events yet.', evidence: 'Why', joinedBy: 'seen with', notJoined: 'seen with, does not join', once: 'once', times: 'times',
    approximate: 'time approximate', corrected: 'clock corrected, terminal said', details: 'Details', all: 'All', choose: 'Choose a person, or look somebody up.',
    refresh: 'Updated', unreachable: 'The hub does not answer. The page tries again by itself.', more: 'More', older: 'Older events exist; the latest are shown.',
    ok: 'ok', contested: 'contested', quarantined: 'quarantined', missing: 'missing', to: 'to', journal: 'journal', back: 'Back',
    ch_store: 'Store', ch_web: 'Website', ch_shop: 'Online shop', ch_email: 'E-mail', ch_social: 'Social', ch_advertising: 'Advertising', ch_app: 'App',
    unnamed: 'Not yet known by name', loading: 'Loading', partial: 'not available',
  },
  it: {
    console: 'Console', signIn: 'Entra', signOut: 'Esci', token: 'Token di accesso',
    tokenHelp: 'Si crea sull’hub con: tessera-hub token add <nome>', wrongToken: 'Questo token non è noto. Controllalo o creane uno nuovo.',
    overview: 'Negozi', people: 'Persone', search: 'Cerca', searchFor: 'Che cosa cercare', value: 'Valore',
    card: 'Tessera', email: 'E-mail', user_id: 'Id utente', anonymous_id: 'Browser o app', phone: 'Telefono', person: 'Id persona',
    lanes: 'Casse in linea', unsent: 'In attesa nelle casse', alarms: 'Allarmi', holes: 'Buchi', quarantine: 'In quarantena', known: 'Persone note',
    aside: 'Messi da parte', events: 'Eventi dei negozi',
    allGood: 'Nessun allarme. Ogni evento arrivato è in archivio.', noStores: 'Nessun negozio ha ancora dato notizie. Un terminale appare qui al primo contatto.',
    lane: 'Cassa', state: 'Stato', lastContact: 'Contatto', toSend: 'Da inviare', version: 'Versione',
    online: 'In linea', offline: 'Fuori linea', never: 'mai', recent: 'Visti di recente', noPeople: 'Ancora nessuno. La prima tessera o il primo accesso crea la prima persona.',
    nobody: 'Nessuno è noto con questo dato.', identifiers: 'Identificativi', journey: 'Percorso', since: 'nota dal', lastSeen: 'vista il',
    aliases: 'Id precedenti', household: 'Famiglia', householdText: 'è usata da più persone: non unisce nessuno.', members: 'persone',
    noJourney: 'Ancora nessun evento.', evidence: 'Perché', joinedBy: 'visto con', notJoined: 'visto con, non unisce', once: 'una volta', times: 'volte',
    approximate: 'ora approssimativa', corrected: 'orologio corretto, il terminale diceva', details: 'Dettagli', all: 'Tutti', choose: 'Scegli una persona o cercane una.',
    refresh: 'Aggiornato', unreachable: 'L’hub non risponde. La pagina riprova da sola.', more: 'Altri', older: 'Esistono eventi più vecchi; sono mostrati gli ultimi.',
    ok: 'ok', contested: 'conteso', quarantined: 'in quarantena', missing: 'mancano', to: '–', journal: 'giornale', back: 'Indietro',
    ch_store: 'Negozio', ch_web: 'Sito', ch_shop: 'Negozio online', ch_email: 'E-mail', ch_social: 'Social', ch_advertising: 'Pubblicità', ch_app: 'App',
    unnamed: 'Non ancora nota per nome', loading: 'Caricamento', partial: 'non disponibile',
  },
};

// What the hub says in English, for the timeline.
const titles = {
  'Card presented': 'Tessera presentata', 'Item scanned': 'Articolo letto', 'Item taken off': 'Articolo tolto', 'Coupon presented': 'Buono presentato', 'Visit began': 'Visita iniziata',
  'Visit ended': 'Visita conclusa', 'Checked in': 'Presenza registrata', 'Offer shown': 'Offerta mostrata', 'Offer accepted': 'Offerta accettata',
  'Offer declined': 'Offerta rifiutata', 'Offer redeemed': 'Offerta usata', 'Consent changed': 'Consenso cambiato', 'Feedback given': 'Parere dato',
  'Unknown code scanned': 'Codice sconosciuto letto', 'Payment card refused, nothing kept': 'Carta di pagamento rifiutata, nulla è rimasto',
  'Scan rejected': 'Lettura rifiutata', 'Page viewed': 'Pagina vista', 'Screen viewed': 'Schermata vista', 'Made known': 'Si è fatta conoscere',
  'Joined a group': 'Entrata in un gruppo', 'Known under another name': 'Nota con un altro nome', 'Order completed': 'Ordine concluso',
  'Order refunded': 'Ordine rimborsato', 'Order cancelled': 'Ordine annullato', 'Product viewed': 'Prodotto visto', 'Product added': 'Prodotto aggiunto',
  'Product removed': 'Prodotto tolto', 'Cart viewed': 'Carrello visto', 'Checkout started': 'Acquisto iniziato', 'Email opened': 'E-mail aperta',
  'Email delivered': 'E-mail consegnata', 'Email link clicked': 'Collegamento dell’e-mail seguito', 'Email bounced': 'E-mail respinta',
  Unsubscribed: 'Iscrizione tolta', 'Products searched': 'Ricerca di prodotti', 'Signed up': 'Registrazione', 'Coupon applied': 'Buono usato',
};

const KEY = 'tessera-language';
let language = localStorage.getItem(KEY) || (navigator.language.toLowerCase().startsWith('it') ? 'it' : 'en');

export const languages = Object.keys(words);
export const current = () => language;
export function setLanguage(next) {
  language = next;
  localStorage.setItem(KEY, next);
  document.documentElement.lang = next;
}
export const t = (key) => words[language][key] ?? words.en[key] ?? key;

const details = { kiosk: 'totem', checkout: 'cassa', paid: 'pagata', cancelled: 'annullata', timeout: 'a riposo' };

// ": paid, 7.47 EUR" in Italian.
function rest(text) {
  return text.replace(/^: (\w+)(?=$|,)/, (all, word) => `: ${details[word] ?? word}`)
    .replace(/(\d)\.(\d{2} [A-Z]{3}|\d{3} kg)(?=$|,)/g, '$1,$2').replace(', lot ', ', lotto ');
}

const EXPIRES = /, expires (\d{4}-\d\d-\d\d)(?=$|,)/;

function shortDay(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso
    : new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }).format(at);
}

// The hub's words in the reader's language.
export function title(english) {
  const text = english.replace(EXPIRES, (all, iso) => `, ${language === 'it' ? 'scade il' : 'expires'} ${shortDay(iso)}`);
  if (language !== 'it') return text;
  const known = Object.keys(titles).find((start) => text === start || text.startsWith(`${start}:`) || text.startsWith(`${start},`));
  return known ? titles[known] + rest(text.slice(known.length)) : text;
}

const locale = () => ({ en: 'en-GB', it: 'it-IT' })[language];
export const number = (value) => new Intl.NumberFormat(locale()).format(value ?? 0);
export const day = (iso) => new Intl.DateTimeFormat(locale(), { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }).format(new Date(iso));
export const time = (iso) => new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(new Date(iso));
export const date = (iso) => new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' }).format(new Date(iso));

export function ago(iso) {
  if (!iso) return t('never');
  const seconds = (new Date(iso).getTime() - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' });
  for (const [unit, size] of [['day', 86400], ['hour', 3600], ['minute', 60]])
    if (Math.abs(seconds) >= size) return format.format(Math.round(seconds / size), unit);
  return format.format(Math.round(seconds), 'second');
}
