/**
 * Source text with its comments, strings and regular expressions blanked out: what is left is code, on the same lines
 * and in the same columns. It is a scanner, not a parser, and good enough for formatted TypeScript.
 */

/** Blanks everything that is not code. The code inside `${…}` of a template stays. */
export function codeOf(text: string): string {
  let out = ''
  let at = 0
  /** For each open template the depth of braces inside its `${…}`. */
  const templates: number[] = []
  while (at < text.length) {
    const end = endOfBlank(text, at, out)
    if (end > at) {
      out += blank(text.slice(at, end))
      at = end
      if (text[at - 1] === '{' && text[at - 2] === '$') templates.push(0)
      continue
    }
    const character = text[at] ?? ''
    const depth = templates.at(-1)
    if (depth !== undefined && character === '}' && depth === 0) {
      templates.pop()
      const rest = endOfTemplate(text, at + 1)
      out += blank(text.slice(at, rest))
      at = rest
      if (text[at - 1] === '{') templates.push(0)
      continue
    }
    if (depth !== undefined && character === '{') templates[templates.length - 1] = depth + 1
    if (depth !== undefined && character === '}') templates[templates.length - 1] = depth - 1
    out += character
    at += 1
  }
  return out
}

/** Where the comment, string, regular expression or template part that begins at `at` ends; `at` where none begins. */
function endOfBlank(text: string, at: number, before: string): number {
  if (text.startsWith('//', at)) return indexOrEnd(text, '\n', at)
  if (text.startsWith('/*', at)) return indexOrEnd(text, '*/', at + 2) + 2
  if (text[at] === "'" || text[at] === '"') return endOfQuoted(text, at, text[at] ?? '')
  if (text[at] === '`') return endOfTemplate(text, at + 1)
  if (text[at] === '/' && /(?:[(,=:[!&|?{};>]|\breturn|^)\s*$/.test(before.slice(-40))) return endOfPattern(text, at)
  return at
}

function endOfQuoted(text: string, at: number, quote: string): number {
  for (let i = at + 1; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1
    else if (text[i] === quote) return i + 1
  }
  return text.length
}

/** Just behind the closing backtick, or just behind the next `${`. */
function endOfTemplate(text: string, from: number): number {
  for (let i = from; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1
    else if (text[i] === '`') return i + 1
    else if (text[i] === '$' && text[i + 1] === '{') return i + 2
  }
  return text.length
}

function endOfPattern(text: string, at: number): number {
  let isInClass = false
  for (let i = at + 1; i < text.length && text[i] !== '\n'; i += 1) {
    if (text[i] === '\\') i += 1
    else if (text[i] === '[') isInClass = true
    else if (text[i] === ']') isInClass = false
    else if (text[i] === '/' && !isInClass) return i + 1
  }
  return at + 1
}

function indexOrEnd(text: string, wanted: string, from: number): number {
  const found = text.indexOf(wanted, from)
  return found === -1 ? text.length : found
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}
