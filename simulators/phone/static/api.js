// The control API of the simulators, and a poller that never gives up. Knows nothing of the page.

const PATIENCE_MS = 6000;
const CALM_MS = 700;
const EAGER_MS = 160;
const EAGER_FOR_MS = 4000;
const HIDDEN_MS = 3000;
const LONGEST_WAIT_MS = 8000;

export class Refused extends Error {
  constructor(text, status) {
    super(text);
    this.status = status;
  }
}

/** The parsed answer. Throws Refused with a sentence for people; its status is 0 where nobody answered. */
export async function call(method, path, body) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
  const options = { method, cache: 'no-store', headers: { accept: 'application/json' }, signal: patience.signal };
  if (body !== undefined) {
    options.headers['content-type'] = 'application/json';
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    const response = await fetch(path, options);
    answer = response.status === 204 ? null : await response.json().catch(() => null);
    if (response.ok && (answer !== null || method !== 'GET')) return answer;
    throw new Refused(answer?.detail || answer?.title || `The simulators answered with ${response.status}.`, response.status);
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused('The simulators don’t answer.', 0);
  } finally {
    clearTimeout(timer);
  }
}

/** Calls `onState(state, {isSnapshot, isReset, startedAt})` for every answer and `onAway(isAway)` when that changes.
 *
 * A snapshot holds everything there is: the first answer, the first one after the server was away, and the first one
 * after it forgot everything. Else a state holds only what changed. */
export class Poller {
  #version = 0;
  #resets = null;
  #failures = 0;
  #isReset = false;
  #eagerUntil = 0;
  #timer = null;
  #isAsking = false;
  #isWanted = false;

  constructor(onState, onAway) {
    this.onState = onState;
    this.onAway = onAway;
    document.addEventListener('visibilitychange', () => document.hidden || this.soon());
    addEventListener('online', () => this.soon());
  }

  /** Something was sent: look at once, and often for a while. */
  soon() {
    this.#eagerUntil = performance.now() + EAGER_FOR_MS;
    if (this.#isAsking) this.#isWanted = true;
    else this.#ask();
  }

  async #ask() {
    clearTimeout(this.#timer);
    this.#isAsking = true;
    this.#isWanted = false;
    const startedAt = performance.now();
    try {
      const since = this.#version;
      const state = await call('GET', `/sim/state?since=${since}&page=1`);
      if (this.#failures) this.#away(0);
      this.#take(state, since, startedAt);
    } catch (error) {
      if (!(error instanceof Refused)) console.error(error);
      this.#version = 0; // it may be another server when it is back: compare everything
      this.#away(this.#failures + 1);
    } finally {
      this.#isAsking = false;
      this.#timer = setTimeout(() => this.#ask(), this.#wait());
    }
  }

  #take(state, since, startedAt) {
    const isKnownReset = this.#resets !== null && state.resets !== undefined && state.resets !== this.#resets;
    this.#resets = state.resets ?? null;
    if (state.version < since || (isKnownReset && since > 0)) {
      this.#version = 0;
      this.#isReset = true;
      this.#isWanted = true;
      return;
    }
    const isReset = this.#isReset || isKnownReset;
    this.#isReset = false;
    this.#version = state.version;
    this.onState(state, { isSnapshot: since === 0, isReset, startedAt });
  }

  #away(failures) {
    const changes = Boolean(failures) !== Boolean(this.#failures);
    this.#failures = failures;
    if (changes) this.onAway(failures > 0);
  }

  #wait() {
    if (this.#failures) return Math.min(LONGEST_WAIT_MS, CALM_MS * 2 ** (this.#failures - 1));
    if (this.#isWanted) return 0;
    if (document.hidden) return HIDDEN_MS;
    return performance.now() < this.#eagerUntil ? EAGER_MS : CALM_MS;
  }
}
