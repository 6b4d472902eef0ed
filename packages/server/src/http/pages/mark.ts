/** Pawl's mark: a ratchet wheel and the pawl that rests in it. The teeth lean one way; so does everything here. */

import { type Html, html } from './html.ts'

/** Nine teeth round (20, 28), each a radial face and a slope. */
const wheel =
  'M29.8 17.2L32.7 13.9L35.1 20.0L34.5 26.0L38.8 25.4L36.7 31.5L32.4 35.7L36.1 38.1L30.5 41.4L24.5 41.9L25.9 46.1L19.4 45.0L14.5 41.5L12.9 45.6L8.6 40.7L7.1 34.9L3.2 36.9L3.1 30.4L5.7 25.0L1.4 24.0L5.5 19.0L11.0 16.5L8.3 13.0L14.7 11.8L20.5 13.4L20.7 9.0L26.4 12.2z'
const pawl =
  'M46.4 4.6a3.5 3.5 0 0 1-1.5 6.1L33.6 13.6 31.3 16.9 29.6 15.7 32.6 10.2 42.2 3.8a3.5 3.5 0 0 1 4.2.8zM43.7 5.9a1.3 1.3 0 1 0 .01 0z'

/** Drawn once per page as symbols, so that the small mark and the great wheel are one drawing. */
export function markSymbols(): Html {
  return html`<svg class="symbols" aria-hidden="true" focusable="false"><defs>
<symbol id="wheel" viewBox="0 8 40 40"><path fill-rule="evenodd" d="${wheel}M20 22.4a5.6 5.6 0 1 0 .01 0z"/></symbol>
<pattern id="teeth" width="26" height="7" patternUnits="userSpaceOnUse"><path d="M0 0H26V7z"/></pattern>
</defs></svg>`
}

export function mark(): Html {
  return html`<svg class="mark" viewBox="0 0 48 48" width="48" height="48" aria-hidden="true" focusable="false">
<use class="mark-wheel" href="#wheel" x="0" y="8" width="40" height="40"/><path class="mark-pawl" fill-rule="evenodd" d="${pawl}"/>
</svg>`
}

/** The rack along the upper edge of every page. */
export function rack(): Html {
  return html`<svg class="rack" width="100%" height="7" aria-hidden="true" focusable="false"><rect width="100%" height="7" fill="url(#teeth)"/></svg>`
}

export function greatWheel(): Html {
  return html`<svg class="great-wheel" aria-hidden="true" focusable="false"><use href="#wheel"/></svg>`
}

/** The mark as an icon for the tab, in colours that stand on light and dark. */
export function iconHref(): string {
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><path fill="#3f9a92" fill-rule="evenodd" d="${wheel}M20 22.4a5.6 5.6 0 1 0 .01 0z"/><path fill="#c98a35" fill-rule="evenodd" d="${pawl}"/></svg>`
  return `data:image/svg+xml,${encodeURIComponent(drawing)}`
}
