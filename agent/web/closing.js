// The end of a visit: receipt and total, or cancel after a question.

import { h, setShown, setText } from './dom.js';
import { decimalsOf, parseAmount } from './money.js';
import { text } from './text.js';

function field(id, attributes) {
  const label = h('label', { for: id });
  const fault = h('p', { class: 'field-fault', id: `${id}-fault`, hidden: true });
  const input = h('input', { id, name: id, type: 'text', autocomplete: 'off', spellcheck: 'false',
    'aria-describedby': `${id}-fault`, ...attributes });
  const node = h('div', { class: 'field' }, label, input, fault);
  input.addEventListener('input', () => mark(false));

  function mark(bad) {
    setShown(fault, bad);
    input.setAttribute('aria-invalid', String(bad));
  }

  return { node, label, input, fault, mark };
}

function cancelDialog(onCancel) {
  const title = h('h2', { id: 'cancel-title' });
  const detail = h('p');
  const no = h('button', { type: 'button', class: 'button button-main', autofocus: true });
  const yes = h('button', { type: 'button', class: 'button button-danger' });
  const node = h('dialog', { class: 'dialog', 'aria-labelledby': 'cancel-title' }, title, detail,
    h('div', { class: 'dialog-buttons' }, no, yes));
  no.addEventListener('click', () => node.close());
  yes.addEventListener('click', () => {
    node.close();
    onCancel();
  });

  function draw(language) {
    setText(title, text(language, 'cancel.ask'));
    setText(detail, text(language, 'cancel.ask.detail'));
    setText(no, text(language, 'cancel.no'));
    setText(yes, text(language, 'cancel.yes'));
  }

  return { node, draw };
}

// onClose(receipt, total_minor, currency) answers true when the terminal took
// it.
export function closingPanel({ onClose, onCancel }) {
  const title = h('h2');
  const receipt = field('receipt', { maxlength: '64', inputmode: 'text' });
  const total = field('total', { maxlength: '16', inputmode: 'decimal', placeholder: '0,00' });
  const send = h('button', { type: 'submit', class: 'button button-main' });
  const cancel = h('button', { type: 'button', class: 'button button-quiet' });
  const dialog = cancelDialog(onCancel);
  const form = h('form', { class: 'closing-form', novalidate: true },
    h('div', { class: 'fields' }, receipt.node, total.node),
    h('div', { class: 'closing-buttons' }, cancel, send));
  const node = h('section', { class: 'panel closing' }, title, form, dialog.node);
  let busy = false;
  let open = false;
  let language = 'it';
  let currency = 'EUR';

  function refresh() {
    send.disabled = busy || !open;
    cancel.disabled = busy || !open;
    setText(send, text(language, busy ? 'close.sending' : 'close.send'));
  }

  function read() {
    const number = receipt.input.value.trim();
    const minor = parseAmount(total.input.value, currency);
    receipt.mark(number === '');
    total.mark(minor === null);
    if (number === '') receipt.input.focus();
    else if (minor === null) total.input.focus();
    return number !== '' && minor !== null ? { number, minor } : null;
  }

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const values = busy || !open ? null : read();
    if (!values) return;
    busy = true;
    refresh();
    if (await onClose(values.number, values.minor, currency)) form.reset();
    busy = false;
    refresh();
  });
  cancel.addEventListener('click', () => dialog.node.showModal());

  function draw(view, language_) {
    language = language_;
    currency = view.currency;
    open = Boolean(view.visit);
    if (!open && dialog.node.open) dialog.node.close();
    setText(title, text(language, 'close'));
    setText(receipt.label, text(language, 'close.receipt'));
    setText(receipt.fault, text(language, 'close.receipt.bad'));
    setText(total.label, text(language, 'close.total',
      { currency: currency === 'EUR' ? 'euro' : currency }));
    setText(total.fault, text(language, 'close.total.bad'));
    total.input.placeholder = (0).toFixed(decimalsOf(currency))
      .replace('.', language === 'it' ? ',' : '.');
    setText(cancel, text(language, 'cancel'));
    dialog.draw(language);
    refresh();
  }

  return { node, draw };
}
