// Every word that a page shows, in both languages.

const it = {
  'checkout.title': 'Cassa', 'kiosk.title': 'Totem',
  'loading': 'Un momento…',
  'stale': 'Schermo non aggiornato',
  'stale.detail': 'Il terminale non risponde. Riprovo da solo.',
  'line.up': 'In linea',
  'line.sending': 'In linea, {n} da inviare',
  'line.down': 'Linea assente: {n} eventi al sicuro nel registro',
  'line.down.one': 'Linea assente: 1 evento al sicuro nel registro',
  'line.down.zero': 'Linea assente: la cassa lavora da sola',
  'journal.bad': 'Il registro non è scrivibile: chiamare l’assistenza',
  'reader.attached': 'pronto', 'reader.detached': 'scollegato',
  'reader.faulted': 'guasto', 'reader.none': 'Nessun lettore impostato',
  'customer': 'Cliente',
  'customer.none': 'Nessuna carta',
  'customer.none.detail': 'Passare la carta fedeltà quando si vuole',
  'customer.member': 'Cliente fedele',
  'customer.card': 'Carta fedeltà',
  'customer.card.read': 'Carta registrata',
  'customer.card.detail': 'I dati del cliente non sono ancora qui',
  'customer.points': 'punti', 'customer.since': 'cliente dal {year}',
  'customer.offer': 'Un’offerta in attesa', 'customer.offers': '{n} offerte in attesa',
  'basket': 'Spesa', 'basket.articles': 'articoli', 'basket.article': 'articolo',
  'basket.empty': 'Pronti per il primo articolo',
  'basket.empty.detail': 'Leggere un codice o una carta',
  'basket.more': 'Mostrati gli ultimi {shown} di {n}',
  'item.expires': 'scade il {date}', 'item.expired': 'Scaduto il {date}', 'item.lot': 'lotto {lot}', 'basket.coupons': 'Buoni',
  'item.void': 'Storna', 'item.voided': 'Stornato',
  'item.void.label': 'Storna {code}',
  'close': 'Chiusura', 'close.receipt': 'Numero scontrino',
  'close.total': 'Totale in {currency}', 'close.send': 'Chiudi la spesa',
  'close.sending': 'Salvo…',
  'close.receipt.bad': 'Scrivere il numero dello scontrino',
  'close.total.bad': 'Scrivere un importo, per esempio 12,50',
  'cancel': 'Annulla la spesa',
  'cancel.ask': 'Annullare la spesa?',
  'cancel.ask.detail': 'Gli articoli letti restano nel registro come annullati. Non si può tornare indietro.',
  'cancel.yes': 'Sì, annulla', 'cancel.no': 'No, continua',
  'command.failed': 'Non riuscito', 'command.unreached': 'Il terminale non risponde: riprovare',
  'notice.none': 'Pronto alla lettura',
  'notice.recorded': 'Registrato', 'notice.member': 'Cliente riconosciuto',
  'notice.offer': 'Un’offerta aspetta il cliente', 'notice.coupon': 'Buono registrato',
  'notice.unknown': 'Codice non riconosciuto',
  'notice.unknown.detail': 'Non è una carta del negozio né un articolo',
  'notice.rejected': 'Lettura non riuscita', 'notice.rejected.detail': 'Ripetere la lettura',
  'reject.bad_check_digit': 'La cifra di controllo non torna', 'reject.bad_checksum': 'La somma di controllo non torna',
  'reject.bad_length': 'La lunghezza del codice non torna', 'reject.truncated': 'La lettura si è interrotta',
  'reject.bad_frame': 'Il lettore è impostato diversamente da qui', 'reject.bad_aim': 'Il lettore manda un simbolo sconosciuto',
  'reject.bad_char': 'Il codice contiene un carattere non ammesso', 'reject.garbage': 'La velocità del lettore non corrisponde',
  'reject.overlong': 'Il codice è troppo lungo', 'reject.parity_bit7': 'Il lettore manda 7 bit invece di 8',
  'reject.bad_lrc': 'La striscia magnetica è stata letta male', 'reject.bad_number_system': 'Il codice UPC-E comincia con una cifra non ammessa',
  'reject.bad_price_verifier': 'La cifra di controllo del prezzo non torna', 'reject.device_error': 'Il lettore segnala un guasto',
  'reject.dl_invalid': 'L’indirizzo nel codice non è un GS1 Digital Link valido', 'reject.empty': 'Il lettore ha mandato un codice vuoto',
  'reject.gs1_invalid': 'I dati GS1 del codice non sono validi', 'reject.incomplete_multipacket': 'Una parte del codice non è arrivata',
  'reject.nfc_auth': 'La carta non si lascia leggere', 'reject.nfc_timeout': 'La carta è stata tolta troppo presto',
  'reject.no_end_sentinel': 'La carta non è stata passata fino in fondo', 'reject.read_error': 'La carta non si legge: passarla di nuovo',
  'notice.payment_card': 'Carta di pagamento: non l’abbiamo letta',
  'notice.payment_card.detail': 'Nessun dato è stato conservato. Usare la carta fedeltà.',
  'notice.withheld': 'Non è una carta fedeltà',
  'notice.withheld.detail': 'Potrebbe essere una carta di pagamento: nulla è stato letto. Usare la carta fedeltà.',
  'notice.full': 'Registro pieno', 'notice.full.detail': 'Questa lettura non è stata salvata: chiamare l’assistenza',
  'notice.failed': 'Non salvato', 'notice.failed.detail': 'Ripetere la lettura; se continua, chiamare l’assistenza',
  'notice.checkin': 'Check-in registrato', 'notice.closed': 'Spesa chiusa',
  'kiosk.hello': 'Benvenuti', 'kiosk.invite': 'Passa la tua carta fedeltà',
  'kiosk.invite.detail': 'Avvicina il codice della carta al lettore qui sotto',
  'kiosk.offline': 'Funziona anche senza linea: il tuo passaggio è al sicuro',
  'kiosk.out': 'Un momento di pausa',
  'kiosk.out.detail': 'Questo totem non è pronto. Il personale ti aiuta volentieri.',
  'kiosk.welcome': 'Ti diamo il benvenuto', 'kiosk.welcome.name': 'Ciao, {name}!',
  'kiosk.points': 'i tuoi punti', 'kiosk.card': 'La tua carta',
  'kiosk.checked': 'Check-in fatto',
  'kiosk.offer': 'C’è un’offerta per te', 'kiosk.offers': 'Ci sono {n} offerte per te', 'kiosk.offer.detail': 'Chiedi alla cassa',
  'kiosk.coupon': 'Buono registrato', 'kiosk.coupon.detail': 'Presentalo anche alla cassa',
  'kiosk.later': 'I tuoi punti si vedranno appena torna la linea',
  'kiosk.new': 'Abbiamo registrato la tua carta',
  'kiosk.unknown': 'Non conosciamo questa carta',
  'kiosk.unknown.detail': 'Prova con la carta fedeltà del negozio, oppure chiedi al personale',
  'kiosk.payment_card': 'Questa è una carta di pagamento: non l’abbiamo letta',
  'kiosk.payment_card.detail': 'Nessun dato è stato conservato. Passa la tua carta fedeltà.',
  'kiosk.withheld': 'Questa non è una carta fedeltà', 'kiosk.withheld.detail': 'Nulla è stato letto né conservato. Avvicina la tua carta fedeltà.',
  'kiosk.rejected': 'Non siamo riusciti a leggere', 'kiosk.rejected.detail': 'Riprova tenendo il codice ben disteso davanti al lettore',
  'kiosk.failed': 'Non siamo riusciti a salvare', 'kiosk.failed.detail': 'Riprova tra un momento, oppure chiedi al personale',
  'kiosk.bye': 'Grazie, a presto!', 'kiosk.bye.detail': 'Buona spesa',
  'feedback.ask': 'Com’è andata oggi?', 'feedback.thanks': 'Grazie per la tua opinione',
  'feedback.1': 'Molto male', 'feedback.2': 'Male', 'feedback.3': 'Così così',
  'feedback.4': 'Bene', 'feedback.5': 'Molto bene',
  'consent.ask': 'Vuoi ricevere offerte pensate per te?',
  'consent.yes': 'Sì, volentieri', 'consent.no': 'No, grazie',
  'consent.granted': 'Fatto: riceverai offerte pensate per te',
  'consent.denied': 'Va bene: nessuna offerta personale',
  'language.other': 'English',
};

const en = {
  'checkout.title': 'Checkout', 'kiosk.title': 'Kiosk',
  'loading': 'One moment…',
  'stale': 'Screen not up to date',
  'stale.detail': 'The terminal does not answer. Trying again by itself.',
  'line.up': 'Online',
  'line.sending': 'Online, {n} to send',
  'line.down': 'Line down: {n} events safe in the journal',
  'line.down.one': 'Line down: 1 event safe in the journal',
  'line.down.zero': 'Line down: the lane works on its own',
  'journal.bad': 'The journal cannot be written: call support',
  'reader.attached': 'ready', 'reader.detached': 'unplugged',
  'reader.faulted': 'faulty', 'reader.none': 'No reader configured',
  'customer': 'Customer',
  'customer.none': 'No card yet',
  'customer.none.detail': 'Scan the loyalty card at any time',
  'customer.member': 'Loyal customer',
  'customer.card': 'Loyalty card',
  'customer.card.read': 'Card recorded',
  'customer.card.detail': 'The customer’s details are not here yet',
  'customer.points': 'points', 'customer.since': 'customer since {year}',
  'customer.offer': 'An offer waits', 'customer.offers': '{n} offers wait',
  'basket': 'Basket', 'basket.articles': 'items', 'basket.article': 'item',
  'basket.empty': 'Ready for the first item',
  'basket.empty.detail': 'Scan a code or a card',
  'basket.more': 'The latest {shown} of {n} are shown',
  'item.expires': 'expires {date}', 'item.expired': 'Expired on {date}', 'item.lot': 'lot {lot}', 'basket.coupons': 'Coupons',
  'item.void': 'Void', 'item.voided': 'Voided',
  'item.void.label': 'Void {code}',
  'close': 'Closing', 'close.receipt': 'Receipt number',
  'close.total': 'Total in {currency}', 'close.send': 'Close the basket',
  'close.sending': 'Saving…',
  'close.receipt.bad': 'Enter the number on the receipt',
  'close.total.bad': 'Enter an amount, for example 12.50',
  'cancel': 'Cancel the basket',
  'cancel.ask': 'Cancel this basket?',
  'cancel.ask.detail': 'Its items stay in the journal as cancelled. This cannot be undone.',
  'cancel.yes': 'Yes, cancel it', 'cancel.no': 'No, go on',
  'command.failed': 'Not done', 'command.unreached': 'The terminal does not answer: try again',
  'notice.none': 'Ready to scan',
  'notice.recorded': 'Recorded', 'notice.member': 'Customer recognised',
  'notice.offer': 'An offer waits for the customer', 'notice.coupon': 'Coupon recorded',
  'notice.unknown': 'Code not recognised',
  'notice.unknown.detail': 'Neither a card of this shop nor an item',
  'notice.rejected': 'Could not read', 'notice.rejected.detail': 'Scan again',
  'reject.bad_check_digit': 'The check digit does not match', 'reject.bad_checksum': 'The checksum does not match',
  'reject.bad_length': 'The length of the code does not match', 'reject.truncated': 'The scan broke off',
  'reject.bad_frame': 'The reader is set up differently from here', 'reject.bad_aim': 'The reader sends an unknown symbol',
  'reject.bad_char': 'The code holds a character that is not allowed', 'reject.garbage': 'The speed of the reader does not match',
  'reject.overlong': 'The code is too long', 'reject.parity_bit7': 'The reader sends 7 bits instead of 8',
  'reject.bad_lrc': 'The magnetic stripe was not read well', 'reject.bad_number_system': 'The UPC-E code begins with a digit that is not allowed',
  'reject.bad_price_verifier': 'The check digit of the price does not match', 'reject.device_error': 'The reader reports a fault',
  'reject.dl_invalid': 'The address in the code is no valid GS1 Digital Link', 'reject.empty': 'The reader sent an empty code',
  'reject.gs1_invalid': 'The GS1 data of the code is not valid', 'reject.incomplete_multipacket': 'A part of the code did not arrive',
  'reject.nfc_auth': 'The card does not let itself be read', 'reject.nfc_timeout': 'The card was taken away too soon',
  'reject.no_end_sentinel': 'The card was not swiped to its end', 'reject.read_error': 'The card cannot be read: swipe it again',
  'notice.payment_card': 'Payment card: we did not read it',
  'notice.payment_card.detail': 'No data was kept. Use the loyalty card.',
  'notice.withheld': 'Not a loyalty card', 'notice.withheld.detail': 'It may be a payment card: nothing was read. Use the loyalty card.',
  'notice.full': 'Journal full', 'notice.full.detail': 'This scan was not saved: call support',
  'notice.failed': 'Not saved', 'notice.failed.detail': 'Scan again; if it goes on, call support',
  'notice.checkin': 'Check-in recorded', 'notice.closed': 'Basket closed',
  'kiosk.hello': 'Welcome', 'kiosk.invite': 'Scan your loyalty card',
  'kiosk.invite.detail': 'Hold the code on your card to the reader below',
  'kiosk.offline': 'Works without the line too: your visit is safe',
  'kiosk.out': 'Taking a short break',
  'kiosk.out.detail': 'This kiosk is not ready. Our staff will gladly help you.',
  'kiosk.welcome': 'Good to see you', 'kiosk.welcome.name': 'Hello, {name}!',
  'kiosk.points': 'your points', 'kiosk.card': 'Your card',
  'kiosk.checked': 'You are checked in',
  'kiosk.offer': 'There is an offer for you', 'kiosk.offers': 'There are {n} offers for you', 'kiosk.offer.detail': 'Ask at the checkout',
  'kiosk.coupon': 'Coupon recorded', 'kiosk.coupon.detail': 'Show it at the checkout too',
  'kiosk.later': 'Your points will show as soon as the line is back',
  'kiosk.new': 'We have recorded your card',
  'kiosk.unknown': 'We do not know this card',
  'kiosk.unknown.detail': 'Try this shop’s loyalty card, or ask our staff',
  'kiosk.payment_card': 'This is a payment card: we did not read it',
  'kiosk.payment_card.detail': 'No data was kept. Please scan your loyalty card.',
  'kiosk.withheld': 'This is not a loyalty card', 'kiosk.withheld.detail': 'Nothing was read or kept. Please hold your loyalty card to the reader.',
  'kiosk.rejected': 'We could not read that', 'kiosk.rejected.detail': 'Try again and hold the code flat in front of the reader',
  'kiosk.failed': 'We could not save that', 'kiosk.failed.detail': 'Try again in a moment, or ask our staff',
  'kiosk.bye': 'Thank you, see you soon!', 'kiosk.bye.detail': 'Enjoy your shopping',
  'feedback.ask': 'How was it today?', 'feedback.thanks': 'Thank you for telling us',
  'feedback.1': 'Very bad', 'feedback.2': 'Bad', 'feedback.3': 'So so',
  'feedback.4': 'Good', 'feedback.5': 'Very good',
  'consent.ask': 'Would you like offers made for you?',
  'consent.yes': 'Yes, please', 'consent.no': 'No, thank you',
  'consent.granted': 'Done: you will receive offers made for you',
  'consent.denied': 'All right: no personal offers',
  'language.other': 'Italiano',
};

export const dictionaries = { it, en };

export function text(language, key, values = {}) {
  const words = (dictionaries[language] ?? it)[key] ?? key;
  return words.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}

export function number(language, value) {
  return new Intl.NumberFormat(language === 'it' ? 'it-IT' : 'en-IE',
    { useGrouping: 'always' }).format(value);
}

export function time(language, at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '';
  return new Intl.DateTimeFormat(language === 'it' ? 'it-IT' : 'en-GB',
    { hour: '2-digit', minute: '2-digit' }).format(date);
}

// A calendar day, "2026-12-31", or what it was when it is none.
export function day(language, iso) {
  const date = new Date(`${iso}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return String(iso);
  return new Intl.DateTimeFormat(language === 'it' ? 'it-IT' : 'en-GB',
    { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }).format(date);
}

export function weight(language, grams) {
  return new Intl.NumberFormat(language === 'it' ? 'it-IT' : 'en-IE',
    { style: 'unit', unit: 'kilogram', minimumFractionDigits: 3 }).format(grams / 1000);
}

// Fewer than these are on their way at any moment of a healthy line.
const BACKLOG = 10;

// The line, in one calm sentence.
export function lineText(language, line) {
  const n = number(language, line.unsent);
  if (line.up) {
    return line.unsent >= BACKLOG ? text(language, 'line.sending', { n })
      : text(language, 'line.up');
  }
  if (line.unsent === 0) return text(language, 'line.down.zero');
  return text(language, line.unsent === 1 ? 'line.down.one' : 'line.down', { n });
}
