/**
 * JSON of strangers. What two readers could read in two ways is refused: a member named twice, and a depth or a number of
 * members that only an attack has. In linear time.
 */

export const jsonDepthMax = 16
export const jsonMembersMax = 1024

export interface JsonObject {
  readonly [name: string]: unknown
}

/** The object, or a half sentence that says why it is none. */
export function parseJsonObject(text: string): { readonly object: JsonObject } | { readonly refusal: string } {
  const value = parsed(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { refusal: 'it is no JSON object' }
  const refusal = judgeShape(text)
  return refusal === null ? { object: value as JsonObject } : { refusal }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's words quote the text, and there may be a secret in it.
    return null
  }
}

/** Looks at JSON that has been found to be JSON, so that every quote and bracket means what it seems to. */
function judgeShape(text: string): string | null {
  const stringOrBracket = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g
  const open: (Set<string> | null)[] = []
  let members = 0
  for (const { 0: token, 1: colon } of text.matchAll(stringOrBracket)) {
    if (token === '{' || token === '[') open.push(token === '{' ? new Set() : null)
    else if (token === '}' || token === ']') open.pop()
    if (open.length > jsonDepthMax) return `it is nested more than ${jsonDepthMax} deep`
    if (colon === undefined) continue
    const name = String(JSON.parse(token.slice(0, -colon.length)))
    const names = open.at(-1)
    if (names?.has(name) === true) return 'a member is named twice'
    names?.add(name)
    members += 1
    if (members > jsonMembersMax) return `it has more than ${jsonMembersMax} members`
  }
  return null
}
