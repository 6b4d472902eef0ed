/** HTML in which every value is escaped; only markup made by `html` itself goes in as it is. */

export interface Html {
  readonly markup: string
}

type Value = string | number | Html | readonly Html[] | null

export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  const markup = parts.map((part, index) => part + (index < values.length ? textOf(values[index] ?? null) : ''))
  return { markup: markup.join('') }
}

function textOf(value: Value): string {
  if (value === null) return ''
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value))
  if ('markup' in value) return value.markup
  return value.map(each => each.markup).join('')
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
