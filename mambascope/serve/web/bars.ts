// Shows the next-token distribution as bars with numbers.
import {Next} from './api';
import {el} from './dom';
import {shortNumber, tokenText} from './text';

// `answer` is the id of a token to mark.
export function bars(top: Next[], label: string, answer?: number): HTMLElement {
  const list = el('ol', {className: 'bars', ariaLabel: label});
  for (const next of top) {
    const bar = el('span', {className: 'bar'});
    bar.style.width = `${Math.max(0, Math.min(1, next.prob)) * 100}%`;
    const title = next.logit === undefined ? `id ${next.id}` :
                                             `id ${next.id}, logit ${next.logit.toFixed(3)}`;
    list.append(
        el('li', {className: next.id === answer ? 'answer' : '', title},
           el('span', {className: 'bar-token', textContent: tokenText(next)}),
           el('span', {className: 'bar-track'}, bar),
           el('span', {className: 'bar-number', textContent: shortNumber(next.prob)})));
  }
  return list;
}
