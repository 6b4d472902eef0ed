/** Pawl's mark: a ratchet wheel and the pawl that rests in it. The teeth lean one way; so does everything here. */

import { type Html, html } from './html.ts'

/** Twelve teeth round (20, 28), each a radial face and a slope. */
const wheel =
  'M26.6 16.6L28.5 13.3L31.4 21.4L34.7 19.5L33.2 28.0L37.0 28.0L31.4 34.6L34.7 36.5L26.6 39.4L28.5 42.7L20.0 41.2L20.0 45.0L13.4 39.4L11.5 42.7L8.6 34.6L5.3 36.5L6.8 28.0L3.0 28.0L8.6 21.4L5.3 19.5L13.4 16.6L11.5 13.3L20.0 14.8L20.0 11.0z'
const pawl = 'M40.6 4.2a3.6 3.6 0 0 1 2.2 5.4L30.6 20.9l-3.4-5.3L37 5.4a3.6 3.6 0 0 1 3.6-1.2z'

/** Drawn once per page as symbols, so that the small mark and the great wheel are one drawing. */
export function markSymbols(): Html {
  return html`<svg class="symbols" aria-hidden="true" focusable="false"><defs>
<symbol id="wheel" viewBox="0 8 40 40"><path fill-rule="evenodd" d="${wheel}M20 22.4a5.6 5.6 0 1 0 .01 0z"/></symbol>
<pattern id="teeth" width="22" height="9" patternUnits="userSpaceOnUse"><path d="M0 0H22V9z"/></pattern>
</defs></svg>`
}

export function mark(): Html {
  return html`<svg class="mark" viewBox="0 0 48 48" width="40" height="40" aria-hidden="true" focusable="false">
<use class="mark-wheel" href="#wheel" x="0" y="8" width="40" height="40"/><path class="mark-pawl" d="${pawl}"/>
</svg>`
}

/** The rack along the upper edge of every page. */
export function rack(): Html {
  return html`<svg class="rack" width="100%" height="9" aria-hidden="true" focusable="false"><rect width="100%" height="9" fill="url(#teeth)"/></svg>`
}

export function greatWheel(): Html {
  return html`<svg class="great-wheel" aria-hidden="true" focusable="false"><use href="#wheel"/></svg>`
}

/** The mark as an icon for the tab, in colours that stand on light and dark. */
export function iconHref(): string {
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><path fill="#3f9a92" fill-rule="evenodd" d="${wheel}M20 22.4a5.6 5.6 0 1 0 .01 0z"/><path fill="#c98a35" d="${pawl}"/></svg>`
  return `data:image/svg+xml,${encodeURIComponent(drawing)}`
}
