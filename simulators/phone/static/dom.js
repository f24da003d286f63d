// Elements without markup strings: whatever a stranger wrote can only ever become text.

export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'class') element.className = value;
    else if (name.startsWith('aria-') || name === 'role') element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

export function icon(name) {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  const use = document.createElementNS(namespace, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(use);
  return svg;
}

export const fromTemplate = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

export const isTouch = matchMedia('(pointer: coarse)');

export function initials(name) {
  const words = name.replace(/[^\p{L}\p{N} ]/gu, '').split(' ').filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join('') || '?';
}

/** "KES 435", "AOA 1,234.50" from cents. */
export function money(minor, currency) {
  const cents = minor % 100 ? `.${String(minor % 100).padStart(2, '0')}` : '';
  return `${currency}\u00a0${Math.floor(minor / 100).toLocaleString('en-GB')}${cents}`;
}

/** "0708 374 149", as it is dialled where it is at home. Empty without a number. */
export const dialled = (msisdn) => (msisdn ?? '').replace(/^254(\d{3})(\d{3})(\d{3})$/, '0$1 $2 $3').replace(/^244(\d{3})(\d{3})(\d{3})$/, '$1 $2 $3');

/** What that customer has where the number is at home: shillings, or kwanzas in Angola. Empty without a number. */
export function balanceOf({ msisdn, balance_whole: whole, kwanza_minor: kwanzaMinor }) {
  if (!msisdn) return '';
  return msisdn.startsWith('244') ? money(kwanzaMinor, 'AOA') : money(whole * 100, 'KES');
}
