// Shows a strip of tokens, one button each. Clicking or dragging chooses a range of them. So do
// Space, and Shift with the arrow keys.
import {Token} from './api';
import {el} from './dom';
import {sameTokens, tokenText} from './text';

export class TokenStrip {
  readonly root: HTMLElement;
  private tokens: Token[] = [];
  private anchor = 0;
  private at = 0;  // the token that Tab reaches
  private drag = false;

  // `choose` gets the first and last token of a range, when it is complete.
  constructor(label: string, private choose: (first: number, last: number) => void) {
    this.root = el('div', {className: 'strip', role: 'group', ariaLabel: label});
    this.root.addEventListener('pointerdown', event => {
      const index = this.indexOf(event.target);
      if (index < 0 || event.button !== 0) return;
      this.drag = true;
      this.anchor = event.shiftKey ? this.anchor : index;
      this.move(index);
      (event.target as HTMLElement).releasePointerCapture?.(event.pointerId);
      event.preventDefault();
    });
    this.root.addEventListener('pointermove', event => {
      if (!this.drag) return;
      const index = this.indexOf(document.elementFromPoint(event.clientX, event.clientY));
      if (index >= 0 && index !== this.at) this.move(index);
    });
    window.addEventListener('pointerup', () => this.drop(true));
    window.addEventListener('pointercancel', () => this.drop(false));
    this.root.addEventListener('keydown', event => this.key(event));
    // Space, Enter and screen readers click without a pointer.
    this.root.addEventListener('click', event => {
      const index = this.indexOf(event.target);
      if (event.detail !== 0 || index < 0) return;
      this.anchor = this.at = index;
      this.finish();
    });
  }

  show(tokens: Token[], isMarked: (token: Token, index: number) => boolean): void {
    const focused = this.root.contains(document.activeElement);
    const same = sameTokens(tokens, this.tokens);
    if (!same) this.drag = false;  // it was begun on other tokens
    this.tokens = tokens;
    this.at = Math.min(this.at, Math.max(0, tokens.length - 1));
    if (!same) this.root.replaceChildren(...tokens.map((token, i) => this.makeButton(token, i)));
    this.buttons().forEach((made, i) => {
      const marked = isMarked(tokens[i]!, i);
      made.ariaPressed = String(marked);
      made.tabIndex = i === this.at ? 0 : -1;
    });
    if (focused && !same) this.buttons()[this.at]?.focus();
  }

  private makeButton(token: Token, index: number): HTMLButtonElement {
    const made = el('button', {
      type: 'button',
      className: 'token',
      textContent: tokenText(token),
      title: `token ${index}, id ${token.id}`
    });
    made.dataset.index = String(index);
    return made;
  }

  private buttons(): HTMLButtonElement[] {
    return [...this.root.querySelectorAll('button')];
  }

  private indexOf(target: EventTarget|null): number {
    const made = target instanceof Element ? target.closest<HTMLElement>('.token') : null;
    return made && this.root.contains(made) ? Number(made.dataset.index) : -1;
  }

  // Goes to a token; the range from the anchor to it is outlined.
  private move(index: number): void {
    this.at = index;
    const [first, last] = [Math.min(this.anchor, index), Math.max(this.anchor, index)];
    this.buttons().forEach((made, i) => {
      made.classList.toggle('in-range', i >= first && i <= last);
      made.tabIndex = i === index ? 0 : -1;
    });
    this.buttons()[index]?.focus();
  }

  private drop(isChosen: boolean): void {
    if (!this.drag) return;
    this.drag = false;
    this.finish(isChosen);
  }

  private finish(isChosen = true): void {
    this.buttons().forEach(made => made.classList.remove('in-range'));
    if (isChosen) this.choose(Math.min(this.anchor, this.at), Math.max(this.anchor, this.at));
  }

  private key(event: KeyboardEvent): void {
    const step = {
      ArrowLeft: -1,
      ArrowRight: 1,
      Home: -this.at,
      End: this.tokens.length - 1 - this.at
    }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const next = Math.min(Math.max(this.at + step, 0), this.tokens.length - 1);
      if (!event.shiftKey) this.anchor = next;
      this.move(next);
      if (event.shiftKey) this.finish();
      else this.buttons().forEach(made => made.classList.remove('in-range'));
    }
  }
}
