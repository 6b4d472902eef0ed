/** The flags that every program of the bench understands. */

import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { type ContenderName, contenderNames } from './names.ts'
import { type FlushKind, flushKinds } from './slow-flush/slow-flush.ts'

export interface Options {
  readonly only: readonly ContenderName[]
  readonly connections: readonly number[]
  /** Measured seconds of one lap. */
  readonly seconds: number
  readonly warmUpSeconds: number
  /** How long each contender is loaded before its first lap that counts: until its code is compiled. */
  readonly settleSeconds: number
  /** Laps of each contender at each number of connections, interleaved: A B C A B C … */
  readonly rounds: number
  readonly families: readonly number[]
  /** More families than this do not take part: their tokens would only fill the memory of the load generator. */
  readonly walked: number
  /** The disk as it is, and with every flush slowed by a millisecond. */
  readonly flushes: readonly FlushKind[]
  /** Flags of Node that every server is started with; none otherwise. */
  readonly nodeFlags: readonly string[]
  /** Where the databases go; a fresh directory in it is made and removed. */
  readonly directory: string
  /** Figures as JSON on stdout; tables and progress go to stderr. */
  readonly json: boolean
  /** A file for the same JSON, or null. */
  readonly out: string | null
}

const walkedDefault = 20_000

export type Defaults = Pick<
  Options,
  'only' | 'connections' | 'seconds' | 'warmUpSeconds' | 'settleSeconds' | 'rounds' | 'families' | 'flushes'
>

/** The flags given, over `quick` where `--quick` is given and over `defaults` otherwise. Throws on what makes no sense. */
export function parseOptions(args: readonly string[], defaults: Defaults, quick: Partial<Defaults>): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      connections: { type: 'string' },
      seconds: { type: 'string' },
      'warm-up-seconds': { type: 'string' },
      'settle-seconds': { type: 'string' },
      rounds: { type: 'string' },
      families: { type: 'string' },
      flushes: { type: 'string' },
      'node-flags': { type: 'string' },
      walked: { type: 'string' },
      directory: { type: 'string', default: tmpdir() },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      out: { type: 'string' },
    },
  })
  const base = values.quick ? { ...defaults, ...quick } : defaults
  return {
    only: values.only === undefined ? base.only : values.only.split(',').map(parseName),
    connections: values.connections === undefined ? base.connections : parseCounts(values.connections, '--connections'),
    seconds: parseOptional(values.seconds, base.seconds, '--seconds'),
    warmUpSeconds: parseOptional(values['warm-up-seconds'], base.warmUpSeconds, '--warm-up-seconds'),
    settleSeconds: parseOptional(values['settle-seconds'], base.settleSeconds, '--settle-seconds'),
    rounds: values.rounds === undefined ? base.rounds : parseCount(values.rounds, '--rounds'),
    families: values.families === undefined ? base.families : parseCounts(values.families, '--families'),
    walked: values.walked === undefined ? walkedDefault : parseCount(values.walked, '--walked'),
    flushes: values.flushes === undefined ? base.flushes : values.flushes.split(',').map(parseFlush),
    nodeFlags: values['node-flags']?.split(' ') ?? [],
    directory: values.directory,
    json: values.json,
    out: values.out ?? null,
  }
}

function parseName(text: string): ContenderName {
  const name = contenderNames.find(known => known === text)
  if (name === undefined) throw new Error(`--only knows ${contenderNames.join(', ')}, not ${text}`)
  return name
}

function parseFlush(text: string): FlushKind {
  const kind = flushKinds.find(known => known === text)
  if (kind === undefined) throw new Error(`--flushes knows ${flushKinds.join(', ')}, not ${text}`)
  return kind
}

function parseCounts(text: string, flag: string): number[] {
  return text.split(',').map(part => parseCount(part, flag))
}

function parseCount(text: string, flag: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${flag} takes whole numbers from 1, not ${text}`)
  return Number(text)
}

function parseOptional(text: string | undefined, fallback: number, flag: string): number {
  return text === undefined ? fallback : parsePositive(text, flag)
}

function parsePositive(text: string, flag: string): number {
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value)) throw new Error(`${flag} takes a number above 0, not ${text}`)
  return value
}
