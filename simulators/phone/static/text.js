// A message's *bold*, _italic_, ~strike~, `mono`, ```mono``` and web addresses, as DOM nodes. Text from anyone is hostile.

import { h } from './dom.js';

const TAGS = { '*': 'strong', _: 'em', '~': 's', '`': 'code' };
const DEEPEST = 4;
const MONO = /```([\s\S]+?)```/g;
// Stops at spaces, quotes, brackets and at the characters that turn the direction of writing.
const ADDRESS = /https?:\/\/[^\s<>"'()\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;
const TRAILING = /[.,;:!?*_~`]+$/;

export function formatted(text) {
  const fragment = document.createDocumentFragment();
  let from = 0;
  for (const match of text.matchAll(MONO)) {
    addInline(fragment, text.slice(from, match.index), 0);
    fragment.append(h('code', {}, match[1]));
    from = match.index + match[0].length;
  }
  addInline(fragment, text.slice(from), 0);
  return fragment;
}

function addInline(parent, text, depth) {
  let plainFrom = 0;
  for (let at = 0; at < text.length && depth < DEEPEST; at += 1) {
    const end = closing(text, at);
    if (end === -1) continue;
    addPlain(parent, text.slice(plainFrom, at));
    const element = h(TAGS[text[at]]);
    if (text[at] === '`') element.append(text.slice(at + 1, end));
    else addInline(element, text.slice(at + 1, end), depth + 1);
    parent.append(element);
    plainFrom = end + 1;
    at = end;
  }
  addPlain(parent, text.slice(plainFrom));
}

// Where the mark that opens at `at` is closed on the same line, or -1: 2*3*4 and snake_case_words stay as they are.
function closing(text, at) {
  const mark = text[at];
  if (!(mark in TAGS) || isWordy(text[at - 1]) || text[at - 1] === '/' || isBlank(text[at + 1]) || text[at + 1] === mark) return -1;
  for (let end = at + 1; end < text.length && text[end] !== '\n'; end += 1) {
    if (text[end] === mark && end > at + 1 && !isBlank(text[end - 1]) && !isWordy(text[end + 1])) return end;
  }
  return -1;
}

const isWordy = (character) => character !== undefined && /[\p{L}\p{N}]/u.test(character);
const isBlank = (character) => character === undefined || /\s/.test(character);

function addPlain(parent, text) {
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(TRAILING, '');
    if (!URL.canParse?.(address)) continue;
    parent.append(text.slice(from, match.index));
    parent.append(h('a', { href: address, target: '_blank', rel: 'noopener noreferrer nofollow' }, address));
    from = match.index + address.length;
  }
  if (from < text.length) parent.append(text.slice(from));
}
