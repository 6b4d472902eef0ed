/** The health list, for people and for machines. */

import type { Worker } from './worker.ts'

/** More lines than these nobody reads; those that need somebody come first. */
const linesMax = 500

type Line = ReturnType<Worker['alive']['health']> extends IterableIterator<infer T> ? T : never

export function healthJson({ alive }: Worker): object {
  const states: { [state: string]: number } = {}
  for (const { state } of alive.health()) states[state] = (states[state] ?? 0) + 1
  return { ...alive.counts(), states, lines: worstFirst(alive.health()) }
}

export function healthPage({ alive }: Worker): string {
  const { grants, outcomes } = alive.counts()
  const heads = ['connection', 'state', 'refreshed', 'idle end', 'absolute end', 'fails since', 'why', 'next']
  const rows = worstFirst(alive.health()).map(line => `<tr>${cellsOf(line).map(cell).join('')}</tr>`)
  return `<!doctype html><meta charset="utf-8"><title>Connections</title>
<h1>${grants} connections</h1><p>${escaped(JSON.stringify(outcomes))}</p>
<table><tr>${heads.map(head => `<th>${head}</th>`).join('')}</tr>${rows.join('\n')}</table>`
}

function cellsOf(line: Line): readonly string[] {
  const { grant, state, failure, endReason } = line
  return [
    grant,
    line.endsSoon ? `${state}, ask soon` : state,
    instant(line.refreshedAtMs),
    instant(line.idleExpiresAtMs),
    instant(line.absoluteExpiresAtMs),
    instant(line.failingSinceMs ?? line.endedAtMs),
    failure ?? endReason ?? '',
    instant(line.nextAttemptAtMs),
  ]
}

const severity = ['ended', 'failing', 'absent', 'unrefreshable', 'unseen', 'alive']

function worstFirst(lines: Iterable<Line>): readonly Line[] {
  const rank = ({ state, endsSoon }: Line) => severity.indexOf(state) - (endsSoon ? 0.5 : 0)
  return [...lines].sort((one, other) => rank(one) - rank(other)).slice(0, linesMax)
}

function instant(ms: number | null): string {
  return ms === null ? '' : new Date(ms).toISOString()
}

function cell(text: string): string {
  return `<td>${escaped(text)}</td>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
