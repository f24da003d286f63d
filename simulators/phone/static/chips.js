// Which words lie one tap away: what the shop has just offered first, then what always works.

const ALWAYS = ['MENU', 'CART', 'CONFIRM', 'PAY', 'STATUS', 'HELP'];
const ALONE = /^(?:MENU|MORE|CART|CONFIRM|PAY|STATUS|CANCEL ORDER|HELP|START|SHOP|\d{1,2})$/;
const WITH_MORE = /^(?:ADD|REMOVE|FIND|PAY|CANCEL ORDER|SHOP) \S/;
const BOLD = /\*([^*\n]{1,40})\*/g;
const BARE = /\b(?:MENU|CART|CONFIRM|PAY|STATUS|HELP)\b/g;
const NUMBERED = /^\s*(\d{1,2})[.)]\s+\S/gm;
const MOST_NUMBERS = 9;
const MOST_WORDS = 6;

/** The greeting of the shop that was greeted last, or named itself last, in these messages; null if none was. */
export function greetingOf(greetings, messages) {
  const speaks = ({ direction, body }, { text, name }) => (direction === 'in' ? body.trim().toLowerCase() === text.toLowerCase() : body.includes(`*${name}*`));
  for (const message of [...messages].reverse()) {
    const greeting = greetings.find((one) => speaks(message, one));
    if (greeting) return greeting;
  }
  return null;
}

/** `[{text, isOffered}]` for a chat whose last message from the shop is `reply` (null: nobody has said anything yet). */
export function suggestions(greetings, currentGreeting, reply) {
  const words = greetings.map((greeting) => greeting.text);
  if (reply === null) return words.map((text) => ({ text, isOffered: true })).concat({ text: 'HELP', isOffered: false });
  const bold = [...reply.matchAll(BOLD)].map((match) => match[1]).filter((text) => ALONE.test(text) || WITH_MORE.test(text));
  const offered = [...new Set([...bold, ...(reply.replace(BOLD, ' ').match(BARE) ?? [])])].slice(0, MOST_WORDS);
  const numbers = [...new Set([...reply.matchAll(NUMBERED)].map((match) => match[1]))].slice(0, MOST_NUMBERS);
  const isDeciding = offered.includes('CONFIRM') || offered.includes('PAY');
  const first = [...new Set(isDeciding ? [...offered, ...numbers] : [...numbers, ...offered])];
  const rest = [...ALWAYS, ...words.filter((text) => text !== currentGreeting)].filter((text) => !first.includes(text));
  return [...first.map((text) => ({ text, isOffered: true })), ...rest.map((text) => ({ text, isOffered: false }))];
}
