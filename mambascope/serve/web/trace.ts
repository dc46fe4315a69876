// Reads the result of `mambascope trace` for one fact and one site, and gives its cells in three
// measures.
import {HeatMapData} from './heat_map';

export interface TraceFact {
  answer: string;
  answer_id: number;
  other_answer?: string|null;
  tokens: string[];
  corrupt_subject?: string|null;  // null with noise
  corrupt_tokens?: string[];
  subject_span: [number, number];
  p_clean: number;
  p_corrupt: number;
  probs: (number|null)[][];
  logit_diff?: (number|null)[][]|null;
  logit_diff_clean?: number|null;
  logit_diff_corrupt?: number|null;
}
export interface Trace {
  site: string;
  window: number;
  facts: TraceFact[];
}

interface Measured extends Pick<HeatMapData, 'cells'|'low'|'high'|'references'|'valueName'> {
  clean: number;
  corrupted: number;
}

const finite = (cells: (number|null)[][]): number[] => cells.flat().filter(v => v !== null);

// What heat maps show of a fact; null if the trace has no such numbers.
export function measure(fact: TraceFact, show: string): Measured|null {
  if (show === 'logit_diff') {
    const {logit_diff: cells, logit_diff_clean: clean, logit_diff_corrupt: corrupted} = fact;
    if (!cells || clean == null || corrupted == null) return null;
    const all = [...finite(cells), clean, corrupted];
    return {
      cells,
      clean,
      corrupted,
      low: Math.min(...all),
      high: Math.max(...all),
      valueName: 'logit difference',
      references: references(clean, corrupted)
    };
  }
  if (show === 'ie') {
    const scale = fact.p_clean - fact.p_corrupt;
    if (scale === 0) return null;
    const cells =
        fact.probs.map(row => row.map(p => p === null ? null : (p - fact.p_corrupt) / scale));
    return {
      cells,
      clean: 1,
      corrupted: 0,
      low: 0,
      high: 1,
      valueName: 'indirect effect',
      references: references(1, 0)
    };
  }
  const high = Math.max(fact.p_clean, ...finite(fact.probs), 1e-9);
  return {
    cells: fact.probs,
    clean: fact.p_clean,
    corrupted: fact.p_corrupt,
    low: 0,
    high,
    valueName: 'p(answer)',
    references: references(fact.p_clean, fact.p_corrupt)
  };
}

const references =
    (clean: number,
     corrupted: number) => [{value: clean, text: 'clean'}, {value: corrupted, text: 'corrupted'}];
