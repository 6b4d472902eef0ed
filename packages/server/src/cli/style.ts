/** How text looks: colours where somebody looks at a terminal that wants them, aligned tables, times a person can read. */

import { styleText } from 'node:util'
import type { World } from './world.ts'
import { plain } from './world.ts'

type Colour = 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'bold'
export type Paint = (colour: Colour, text: string) => string

/** Paints for one stream. Without a terminal, or with NO_COLOR set (no-color.org), text stays as it is. */
export function painter(world: World, stream: NodeJS.WriteStream): Paint {
  const wanted =
    stream.isTTY === true && (world.environment['NO_COLOR'] ?? '') === '' && world.environment['TERM'] !== 'dumb'
  return wanted ? (colour, text) => styleText(colour, text, { validateStream: false }) : (_colour, text) => text
}

/** Columns as wide as their widest cell, two spaces apart. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows.map(row => row.map(plain))]
  const widths = headings.map((_heading, column) => Math.max(...lines.map(line => (line[column] ?? '').length)))
  return lines
    .map(line =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Names and values, one pair a line, the values aligned. */
export function pairs(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${plain(value)}`.trimEnd()).join('\n')
}

/** `3 min ago`, `in 29 d`: the largest unit that says it. */
export function relative(atMs: number, nowMs: number): string {
  const seconds = Math.round(Math.abs(atMs - nowMs) / 1000)
  if (seconds === 0) return 'now'
  const [size, unit] = units.find(([least]) => seconds >= least) ?? [1, 's']
  const amount = `${Math.floor(seconds / size)} ${unit}`
  return atMs > nowMs ? `in ${amount}` : `${amount} ago`
}

export function duration(seconds: number): string {
  const [size, unit] = units.find(([least]) => seconds >= least && seconds % least === 0) ?? [1, 's']
  return `${seconds / size} ${unit}`
}

const units: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
]

/** Breaks a sentence at spaces so that no line is longer than `columns`, every line but the first indented. */
export function wrap(text: string, columns: number, indent = ''): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = indent + word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line].join('\n')
}
