/**
 * The only way text becomes markup. Every value put into an `html` template is escaped for the text and for the quoted
 * attribute alike; only what `html` itself made nests unescaped. Attribute values are always quoted in the templates.
 */

const made = Symbol('made by html')

/** Markup that is safe to send. No string from outside is one, whatever its shape. */
export interface Html {
  readonly [made]: string
}

export type HtmlValue = string | number | null | Html | readonly Html[]

export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = parts[0] ?? ''
  for (const [index, value] of values.entries()) text += markupOf(value) + (parts[index + 1] ?? '')
  return { [made]: text }
}

/** For constants of our own that are no markup to escape: the stylesheet. Never for anything that came in. */
export function verbatim(text: string): Html {
  return { [made]: text }
}

export function render(markup: Html): string {
  return markup[made]
}

function markupOf(value: HtmlValue): string {
  if (value === null) return ''
  if (typeof value === 'string') return escapeHtml(value)
  if (typeof value === 'number') return String(value)
  return isList(value) ? value.map(render).join('') : render(value)
}

function isList(value: Html | readonly Html[]): value is readonly Html[] {
  return Array.isArray(value)
}

const entities: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => entities[character] ?? '')
}
