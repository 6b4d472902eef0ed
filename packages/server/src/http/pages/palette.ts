/** The colours of the pages, light and dark. Petrol for what acts, brass for the ratchet; a test holds their contrast. */

export interface Palette {
  readonly ground: string
  readonly card: string
  /** Behind what is typed. */
  readonly field: string
  readonly ink: string
  /** Secondary text. */
  readonly quiet: string
  /** Hairlines that carry no meaning. */
  readonly line: string
  /** Borders by which a field is recognised (WCAG 2.2 §1.4.11). */
  readonly border: string
  readonly accent: string
  readonly accentStrong: string
  /** Text on the accent. */
  readonly onAccent: string
  readonly focus: string
  readonly danger: string
  readonly dangerGround: string
  readonly brass: string
  /** The great wheel behind the page. */
  readonly shade: string
}

export const lightPalette: Palette = {
  ground: '#f2efe7',
  card: '#fffdf8',
  field: '#ffffff',
  ink: '#1b2528',
  quiet: '#535e61',
  line: '#ddd8cb',
  border: '#767f7c',
  accent: '#11565b',
  accentStrong: '#0a3f43',
  onAccent: '#ffffff',
  focus: '#9a4b00',
  danger: '#942619',
  dangerGround: '#fbebe6',
  brass: '#a5691c',
  shade: '#eae6db',
}

export const darkPalette: Palette = {
  ground: '#10171a',
  card: '#182225',
  field: '#10171a',
  ink: '#e9ebe5',
  quiet: '#a8b4b3',
  line: '#2b383b',
  border: '#7f8d8e',
  accent: '#7fcabf',
  accentStrong: '#a5ded6',
  onAccent: '#06201f',
  focus: '#f2ba68',
  danger: '#f4aa9c',
  dangerGround: '#36201d',
  brass: '#d8a04d',
  shade: '#151e21',
}

/** The palette as custom properties: `--on-accent:#ffffff;…` */
export function cssVariables(palette: Palette): string {
  return Object.entries<string>({ ...palette })
    .map(([name, colour]) => `--${name.replace(/[A-Z]/g, capital => `-${capital.toLowerCase()}`)}:${colour};`)
    .join('')
}
