// What is typed, and the three things that can be sent instead of text.

export class Composer {
  /** `send(body, media)`; media is null, 'image', 'audio' or 'location'. */
  constructor(form, send) {
    this.send = send;
    this.input = form.querySelector('textarea');
    this.attach = form.querySelector('.attach');
    this.attachments = form.querySelector('.attachments');
    this.#listen(form);
  }

  #listen(form) {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#sendTyped();
    });
    this.input.addEventListener('input', () => this.#grow());
    this.input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#sendTyped();
    });
    this.attach.addEventListener('click', () => this.#open(this.attachments.hidden));
    this.attachments.addEventListener('click', (event) => {
      const media = event.target.closest('button')?.dataset.media;
      if (!media) return;
      this.#open(false);
      this.attach.focus();
      // A place is chosen from a sheet that opens next. As in any messenger: what was typed becomes the words under a picture.
      this.send(media === 'image' ? this.#take() : '', media);
    });
    form.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || this.attachments.hidden) return;
      this.#open(false);
      this.attach.focus();
    });
    document.addEventListener('pointerdown', (event) => {
      if (!form.contains(event.target)) this.#open(false);
    });
  }

  #open(isOpen) {
    this.attachments.hidden = !isOpen;
    this.attach.setAttribute('aria-expanded', String(isOpen));
    if (isOpen) this.attachments.querySelector('button').focus();
  }

  #sendTyped() {
    const body = this.#take();
    if (body) this.send(body, null);
  }

  #take() {
    const body = this.input.value.trim();
    this.input.value = '';
    this.#grow();
    return body;
  }

  #grow() {
    this.input.style.height = 'auto';
    this.input.style.height = `${Math.max(44, this.input.scrollHeight + 2)}px`;
  }
}
