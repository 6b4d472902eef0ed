import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cssVariables, darkPalette, lightPalette, type Palette } from './palette.ts'

/** Text on what is behind it: WCAG 2.2 §1.4.3 asks for 4.5. */
const texts: readonly (readonly [keyof Palette, keyof Palette])[] = [
  ['ink', 'ground'],
  ['ink', 'card'],
  ['ink', 'field'],
  ['ink', 'shade'],
  ['quiet', 'ground'],
  ['quiet', 'card'],
  ['quiet', 'shade'],
  ['accent', 'ground'],
  ['accent', 'card'],
  ['accent', 'shade'],
  ['accentStrong', 'ground'],
  ['accentStrong', 'card'],
  ['onAccent', 'accent'],
  ['onAccent', 'accentStrong'],
  ['danger', 'dangerGround'],
]

/** What shows where a control is and which has the focus: §1.4.11 asks for 3. The focus ring stands off a button by two pixels of the card. */
const edges: readonly (readonly [keyof Palette, keyof Palette])[] = [
  ['border', 'card'],
  ['border', 'field'],
  ['accent', 'card'],
  ['focus', 'card'],
  ['focus', 'ground'],
  ['focus', 'field'],
  ['danger', 'card'],
  ['danger', 'field'],
]

for (const [name, palette] of Object.entries({ light: lightPalette, dark: darkPalette })) {
  describe(`the ${name} palette`, () => {
    for (const [front, back] of texts) {
      it(`makes ${front} on ${back} readable`, () => {
        assert.ok(contrast(palette[front], palette[back]) >= 4.5, String(contrast(palette[front], palette[back])))
      })
    }

    for (const [front, back] of edges) {
      it(`makes ${front} stand out from ${back}`, () => {
        assert.ok(contrast(palette[front], palette[back]) >= 3, String(contrast(palette[front], palette[back])))
      })
    }

    it('is written out as custom properties', () => {
      assert.ok(cssVariables(palette).includes(`--on-accent:${palette.onAccent};`))
    })
  })
}

/** WCAG 2.2, "contrast ratio". */
function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

/** WCAG 2.2, "relative luminance". */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map(at => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map(channel => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
