/** Authorization details as a person reads them: one sentence, then every value that is not in it. Pure. */

import type { AuthorizationDetail } from './authorization-details.ts'
import { type DetailsSchema, isRecord } from './details-schema.ts'
import type { DetailsType } from './details-type.ts'

export interface DetailInWords {
  readonly sentence: readonly SentencePart[]
  readonly facts: readonly { readonly label: string; readonly value: string }[]
}

/** The operator's words, or a value that the application sent: they must not look alike. */
export interface SentencePart {
  readonly text: string
  readonly isSent: boolean
}

/** Nothing of the detail is left out: what no sentence holds stands below it, whether or not the type is known today. */
export function inWords(detail: AuthorizationDetail, known: DetailsType | null): DetailInWords {
  const { type, ...members } = detail
  const schema = known?.schema ?? null
  const leaves = leavesOf(members, schema, { path: '', label: '' })
  if (known === null) return { sentence: [part('Use the permission '), part(type, true)], facts: leaves.map(factOf) }
  const said = new Set(placesIn(known.sentence))
  const valueOf = (path: string): string => leaves.find(leaf => leaf.path === path)?.value ?? ''
  return {
    sentence: piecesOf(known.sentence).map(({ text, isPlace }) => (isPlace ? part(valueOf(text), true) : part(text))),
    facts: leaves.filter(({ path }) => !said.has(path)).map(factOf),
  }
}

/** The places in a sentence, as paths: `amount.value`. */
export function placesIn(sentence: string): readonly string[] {
  return piecesOf(sentence).flatMap(({ text, isPlace }) => (isPlace ? [text] : []))
}

/** The schema that a path leads to by required members alone, or null: such a value is always there. */
export function requiredAt(schema: DetailsSchema, path: string): DetailsSchema | null {
  let current: DetailsSchema = schema
  for (const name of path.split('.')) {
    if (current.type !== 'object' || !(current.required ?? []).includes(name)) return null
    const next: DetailsSchema | undefined = Object.hasOwn(current.properties, name)
      ? current.properties[name]
      : undefined
    if (next === undefined) return null
    current = next
  }
  return current
}

interface Leaf {
  readonly path: string
  readonly label: string
  readonly value: string
}

function leavesOf(value: unknown, schema: DetailsSchema | null, at: Omit<Leaf, 'value'>): readonly Leaf[] {
  if (Array.isArray(value)) return listLeaves(value, schema, at)
  if (!isRecord(value)) return [{ ...at, value: String(value) }]
  return Object.entries(value).flatMap(([name, member]) => {
    const known = schema?.type === 'object' && Object.hasOwn(schema.properties, name) ? schema.properties[name] : null
    const label = known?.title ?? name
    return leavesOf(member, known ?? null, { path: join(at.path, '.', name), label: join(at.label, ', ', label) })
  })
}

/** A list of plain values is one line; of a list of objects each is numbered. */
function listLeaves(
  values: readonly unknown[],
  schema: DetailsSchema | null,
  at: Omit<Leaf, 'value'>,
): readonly Leaf[] {
  const isPlain = values.every(value => !Array.isArray(value) && !isRecord(value))
  if (isPlain) return [{ ...at, value: values.map(String).join(', ') }]
  const items = schema?.type === 'array' ? schema.items : null
  return values.flatMap((value, index) =>
    leavesOf(value, items, { path: `${at.path}[${index}]`, label: `${at.label} ${index + 1}` }),
  )
}

function piecesOf(sentence: string): readonly { readonly text: string; readonly isPlace: boolean }[] {
  return sentence
    .split(/(\{[^{}]*\})/)
    .filter(piece => piece !== '')
    .map(piece =>
      piece.startsWith('{') ? { text: piece.slice(1, -1), isPlace: true } : { text: piece, isPlace: false },
    )
}

function part(text: string, isSent = false): SentencePart {
  return { text, isSent }
}

function factOf({ label, value }: Leaf): { readonly label: string; readonly value: string } {
  return { label, value }
}

function join(before: string, between: string, after: string): string {
  return before === '' ? after : `${before}${between}${after}`
}
