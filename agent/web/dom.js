// Small helpers to build and change the page.

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null && child !== false));
  return node;
}

export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

// Writes only what differs, so that a screen reader speaks only of changes.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setShown(node, shown) {
  node.hidden = !shown;
}

// Keeps one node for each key, in the order of `rows`: focus and pressed
// buttons survive a new view.
export function keyed(parent, rows, keyOf, make, update) {
  const old = new Map([...parent.children].map((n) => [n.dataset.key, n]));
  let before = parent.firstElementChild;
  for (const row of rows) {
    const key = keyOf(row);
    let node = old.get(key);
    if (node) {
      old.delete(key);
    } else {
      node = make(row);
      node.dataset.key = key;
    }
    update(node, row);
    if (node === before) before = before.nextElementSibling;
    else parent.insertBefore(node, before);
  }
  for (const node of old.values()) node.remove();
}
