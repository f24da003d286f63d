// Which words lie one tap away: what the shop has just offered first, then what always works, in the chat's language.

export const ALWAYS = {
  en: ['MENU', 'CART', 'CONFIRM', 'PAY', 'STATUS', 'HELP'],
  sw: ['BIDHAA', 'KIKAPU', 'THIBITISHA', 'LIPA', 'HALI', 'MSAADA'],
  pt: ['MENU', 'CARRINHO', 'CONFIRMAR', 'PAGAR', 'ESTADO', 'AJUDA'],
};
const EVERY = [...new Set(Object.values(ALWAYS).flat())];
const DECIDES = new Set(Object.values(ALWAYS).flatMap(([, , confirm, pay]) => [confirm, pay]));
// A tap by mistake would silence the shop.
const STOPS = new Set(['STOP', 'ACHA', 'PARAR']);
// A word in capitals, or a few, and perhaps what it is about: PAY K7M2XP. No code of an order has a vowel, every word has.
const COMMAND = /^(?!(?:KES|AOA)\b)(?=\p{Lu}*[AEIOUÁÂÃÉÊÍÓÔÕÚ])\p{Lu}{2,}(?: \p{Lu}{2,}){0,3}(?: \S.{0,15})?$/u;
const NUMBER = /^\d{1,2}$/;
const BOLD = /\*([^*\n]{1,40})\*/g;
const BARE = new RegExp(`(?<!\\p{L})(?:${EVERY.join('|')})(?!\\p{L})`, 'gu');
const NUMBERED = /^\s*(\d{1,2})[.)]\s+\S/gm;
const MOST_NUMBERS = 9;
const MOST_WORDS = 6;

const boldOf = (text) => [...text.matchAll(BOLD)].map((match) => match[1]);

/** The greeting of the shop that was greeted last, or named itself last, in these messages; null if none was. */
export function greetingOf(greetings, messages) {
  const speaks = ({ direction, body }, { text, name }) => (direction === 'in' ? body.trim().toLowerCase() === text.toLowerCase() : body.includes(`*${name}*`));
  for (const message of [...messages].reverse()) {
    const greeting = greetings.find((one) => speaks(message, one));
    if (greeting) return greeting;
  }
  return null;
}

/** The language in which the shop told last what to write: `en` until it did. */
export function languageOf(messages) {
  for (const { body } of messages.filter(({ direction }) => direction === 'out').reverse()) {
    const bold = boldOf(body);
    const spoken = Object.keys(ALWAYS).filter((language) => ALWAYS[language].some((word) => bold.includes(word)));
    if (spoken.length === 1) return spoken[0];
  }
  return 'en';
}

/** `[{text, isOffered}]` for a chat of these messages, with the shop of that greeting; `own`: the person's number, or ''. */
export function suggestions(greetings, currentGreeting, messages, own) {
  const words = greetings.map((greeting) => greeting.text);
  if (!messages.length) return words.map((text) => ({ text, isOffered: true })).concat({ text: 'HELP', isOffered: false });
  const { body: reply, kind } = messages.findLast(({ direction }) => direction === 'out') ?? { body: '' };
  const bold = boldOf(reply).filter((text) => NUMBER.test(text) || (COMMAND.test(text) && !STOPS.has(text)));
  const offered = [...new Set([...bold, ...(reply.replace(BOLD, ' ').match(BARE) ?? [])])].slice(0, MOST_WORDS);
  // Above buttons the lines of a cart are numbered, which nobody is asked to choose from.
  const numbers = kind === 'buttons' ? [] : [...new Set([...reply.matchAll(NUMBERED)].map((match) => match[1]))].slice(0, MOST_NUMBERS);
  const isDeciding = offered.some((word) => DECIDES.has(word));
  const first = [...new Set(isDeciding ? [...offered, ...numbers] : [...numbers, ...offered])];
  const rest = [...(own ? [own] : []), ...ALWAYS[languageOf(messages)], ...words.filter((text) => text !== currentGreeting)].filter((text) => !first.includes(text));
  return [...first.map((text) => ({ text, isOffered: true })), ...rest.map((text) => ({ text, isOffered: false }))];
}

/** A mouse's wheel moves the row of chips, as a finger does. */
export function rollSideways(row) {
  row.addEventListener('wheel', (event) => {
    if (event.deltaX || row.scrollWidth <= row.clientWidth) return;
    row.scrollLeft += event.deltaY;
    event.preventDefault();
  }, { passive: false });
}
