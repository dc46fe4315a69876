// Gives a heat map its colours by the kind of its site, as mambascope/figures/colour_scale.cc does.
// The ramps are ColorBrewer's (colorbrewer2.org). They begin near white on white paper, and near
// black on black.

const kRamps = {
  purples: [
    '#fcfbfd', '#efedf5', '#dadaeb', '#bcbddc', '#9e9ac8', '#807dba', '#6a51a3', '#54278f',
    '#3f007d'
  ],
  reds: [
    '#fff5f0', '#fee0d2', '#fcbba1', '#fc9272', '#fb6a4a', '#ef3b2c', '#cb181d', '#a50f15',
    '#67000d'
  ],
  greens: [
    '#f7fcf5', '#e5f5e0', '#c7e9c0', '#a1d99b', '#74c476', '#41ab5d', '#238b45', '#006d2c',
    '#00441b'
  ],
  blues: [
    '#f7fbff', '#deebf7', '#c6dbef', '#9ecae1', '#6baed6', '#4292c6', '#2171b5', '#08519c',
    '#08306b'
  ],
};

function schemeOf(site: string): string[] {
  if (/^(ssm_out|ssm_in|conv_in|attn_out|attn_mixed)$/.test(site)) return kRamps.reds;
  if (/^(gate|mlp_mid|mlp_out)$/.test(site)) return kRamps.greens;
  if (/^(mixer_out|mixed)$/.test(site)) return kRamps.blues;
  return kRamps.purples;
}

export function ramp(site: string, dark: boolean): string[] {
  const light = schemeOf(site);
  return dark ? ['#1c1c20', ...light.slice(0, 8).reverse()] : light;
}

// The colour of a share from 0 to 1 on a ramp.
export function colourAt(colours: string[], share: number): string {
  const at = Math.min(Math.max(share, 0), 1) * (colours.length - 1);
  const low = Math.min(Math.floor(at), colours.length - 2);
  const channel = (colour: string, i: number) => parseInt(colour.slice(1 + 2 * i, 3 + 2 * i), 16);
  const mixed = [0, 1, 2].map(
      i => Math.round(
          channel(colours[low]!, i) * (low + 1 - at) + channel(colours[low + 1]!, i) * (at - low)));
  return `rgb(${mixed.join(' ')})`;
}
