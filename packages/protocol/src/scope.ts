/** Scopes (RFC 6749 §3.3): space-separated, case-sensitive, order without meaning. */

export const scopeCharactersMax = 4096
export const scopesMax = 100
const scopeTokenPattern = /^[!#-[\]-~]+$/

/**
 * The scope tokens in the order they came, each once. Null when the text breaks the grammar: an empty token, a double
 * space, a character outside the set, or more than the limits allow. Linear time.
 */
export function parseScope(text: string): readonly string[] | null {
  if (text.length === 0 || text.length > scopeCharactersMax) return null
  const tokens = text.split(' ')
  if (tokens.length > scopesMax) return null
  const seen = new Set<string>()
  for (const token of tokens) {
    if (!scopeTokenPattern.test(token)) return null
    seen.add(token)
  }
  return [...seen]
}

/** True when every wanted token is among those allowed. */
export function isSubset(wanted: readonly string[], allowed: readonly string[]): boolean {
  return wanted.every(token => allowed.includes(token))
}
