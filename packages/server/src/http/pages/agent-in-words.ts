/** What a browser says of itself, in words by which a person knows it again. A guess, and never more than a name. */

const browsers: readonly (readonly [name: string, mark: RegExp])[] = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  // The others say these too.
  ['Chrome', /\b(?:Chrome|CriOS|HeadlessChrome)\//],
  ['Safari', /\bSafari\//],
]

const systems: readonly (readonly [name: string, mark: RegExp])[] = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Mac', /\bMacintosh\b/],
  ['Linux', /\bLinux\b/],
]

/** `Firefox on Windows`, `Safari on iPhone`, `Chrome`; `Another program` where nothing is recognised. */
export function agentInWords(userAgent: string): string {
  const browser = found(browsers, userAgent)
  const system = found(systems, userAgent)
  if (browser === null) return system === null ? 'Another program' : `A program on ${system}`
  return system === null ? browser : `${browser} on ${system}`
}

function found(table: readonly (readonly [name: string, mark: RegExp])[], userAgent: string): string | null {
  return table.find(([, mark]) => mark.test(userAgent))?.[0] ?? null
}
