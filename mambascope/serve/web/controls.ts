// Makes controls that show a part of the state and change it. Each has its element. Its update()
// shows the present state.
import {el, freshId, labelled, setText} from './dom';

export interface Control {
  root: HTMLElement;
  update(): void;
}
export interface Option {
  value: string;
  text: string;
  title?: string;
}

export const option = (value: string, text = value.replaceAll('_', ' ')): Option => ({value, text});

// Buttons that are on or off. At least one stays on, which `needed` says, unless it is ''.
export function chips(
    label: string, options: () => Option[], get: () => string[], set: (values: string[]) => void,
    needed = 'At least one is chosen.'): Control {
  const id = freshId('chips'), list = el('div', {className: 'chips'});
  const said = el('span', {className: 'count', role: 'status'});
  const root = el(
      'div', {className: 'field', role: 'group'}, el('span', {id, textContent: label}), list, said);
  root.setAttribute('aria-labelledby', id);
  let shown = '';
  const toggle = (value: string) => {
    const on = get().includes(value) ? get().filter(one => one !== value) : [...get(), value];
    const known = on.filter(one => options().some(({value}) => value === one));
    if (!known.length && needed) setText(said, needed);
    else
      set(options()
              .map(o => o.value)
              .filter(o => on.includes(o))
              .concat(on.filter(one => !known.includes(one))));
  };
  return {
    root,
    update() {
      const now = options(), key = JSON.stringify(now);
      setText(said, '');
      if (key !== shown) {
        list.replaceChildren(...now.map(({value, text, title}) => {
          const made =
              el('button',
                 {type: 'button', className: 'chip', textContent: text, title: title ?? '', value});
          made.addEventListener('click', () => toggle(value));
          return made;
        }));
        shown = key;
      }
      for (const made of list.querySelectorAll('button'))
        made.ariaPressed = String(get().includes(made.value));
      root.hidden = !now.length;
    }
  };
}

export function select(
    label: string, options: () => Option[], get: () => string,
    set: (value: string) => void): Control {
  const control = el('select');
  const root = labelled(label, control);
  let shown = '';
  control.addEventListener('change', () => set(control.value));
  return {
    root,
    update() {
      const now = options(), key = JSON.stringify(now);
      if (key !== shown)
        control.replaceChildren(
            ...now.map(({value, text}) => el('option', {value, textContent: text})));
      shown = key;
      control.value = get();
      root.hidden = now.length < 2;
    }
  };
}

export function input(
    label: string, get: () => string, set: (value: string) => void,
    properties: Partial<HTMLInputElement> = {}): Control&{
  input: HTMLInputElement
}
{
  const control =
      el('input', {type: 'text', autocomplete: 'off', spellcheck: false, ...properties});
  control.addEventListener('input', () => set(control.value));
  const update = () => {
    if (control.value !== get()) control.value = get();
  };
  return {root: labelled(label, control), input: control, update};
}

export function checkbox(label: string, get: () => boolean, set: (isOn: boolean) => void): Control {
  const control = el('input', {type: 'checkbox', id: freshId('control')});
  control.addEventListener('change', () => set(control.checked));
  return {
    root: el(
        'div', {className: 'box'}, control, el('label', {htmlFor: control.id, textContent: label})),
    update() {
      control.checked = get();
    }
  };
}

// A slider with its value, in words, beside its label.
export function slider(label: string, range: () => {
  min: number;
  max: number
}, get: () => string, set: (value: string) => void, nameOf: (value: string) => string): Control {
  const control = el('input', {type: 'range', step: '1'});
  const said = el('output', {className: 'slider-value'});
  const root = labelled(label, control, 'field', ': ', said);
  control.addEventListener('input', () => set(control.value));
  return {
    root,
    update() {
      const {min, max} = range();
      control.min = String(min);
      control.max = String(max);
      control.value = get();
      said.textContent = nameOf(control.value);
      control.ariaValueText = nameOf(control.value);
    }
  };
}

export function group(className: string, controls: Control[]): Control {
  return {
    root: el('div', {className}, ...controls.map(control => control.root)),
    update: () => controls.forEach(control => control.update())
  };
}
