// Makes elements. All texts become text nodes, never markup, because a subject may be any text.

export type Child = Node|string;

export function el<K extends keyof HTMLElementTagNameMap>(
    name: K, properties: Partial<HTMLElementTagNameMap[K]> = {},
    ...children: Child[]): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export function svgEl<K extends keyof SVGElementTagNameMap>(
    name: K, attributes: Record<string, string|number> = {}, text = ''): SVGElementTagNameMap[K] {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  if (text) made.textContent = text;
  return made;
}

export function button(text: string, onClick: () => void, className = ''): HTMLButtonElement {
  const made = el('button', {type: 'button', textContent: text, className});
  made.addEventListener('click', onClick);
  return made;
}

let count = 0;
// An id that no other element has.
export const freshId = (stem: string): string => `${stem}-${++count}`;

// A control with its label before it, and what else stands beside the label.
export function labelled(
    text: string, control: HTMLElement, className = 'field', ...beside: Child[]): HTMLElement {
  control.id ||= freshId('control');
  return el(
      'div', {className},
      el('div', {}, el('label', {htmlFor: control.id, textContent: text}), ...beside), control);
}

// Offers the blob as a file.
export function download(blob: Blob, name: string): void {
  const href = URL.createObjectURL(blob);
  el('a', {href, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}

// A line that is shown while `content` is wider than its place, which scrolls.
export function scrollHint(place: HTMLElement, content: Element): HTMLElement {
  const hint =
      el('p',
         {className: 'count hint', textContent: 'Scroll sideways to see all of it.', hidden: true});
  const observer = new ResizeObserver(() => {
    hint.hidden = place.scrollWidth <= place.clientWidth + 1;
  });
  observer.observe(place);
  observer.observe(content);
  return hint;
}

// Changes a text only if it differs, so that a status is not read out twice.
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
