/**
 * A text of any length in items of which some systems take no more than 2 kB. The text lies in chunks of one of two slots,
 * and a head says which: a new text goes into the other slot, then the head is set, which is one step. Who is killed in
 * between leaves the old text whole. Chunks are written upwards and removed downwards, so that those of a slot are always a
 * row without gaps, and what a killed writer left is found and removed by the next.
 */

import type { SecretItems } from './secret-items.ts'

/** Fewer than 2,048 bytes, of characters that are a byte each. */
const chunkCharacters = 1800

export interface ChunkedText {
  /** What the head says besides where the text is; small. */
  readonly note: string
  readonly text: string
}

interface Head {
  readonly note: string
  readonly slot: 'a' | 'b'
  readonly chunks: number
}

export async function readNote(items: SecretItems, key: string): Promise<string | null> {
  return (await readHead(items, key))?.note ?? null
}

export async function readText(items: SecretItems, key: string): Promise<ChunkedText | null> {
  const head = await readHead(items, key)
  if (head === null) return null
  const chunks: string[] = []
  for (let at = 0; at < head.chunks; at++) {
    const chunk = await items.get(chunkKey(key, head.slot, at))
    if (chunk === null) throw new Error(`chunk ${at} of ${head.chunks} is missing`)
    chunks.push(chunk)
  }
  return { note: head.note, text: chunks.join('') }
}

export async function writeText(items: SecretItems, key: string, { note, text }: ChunkedText): Promise<void> {
  const before = (await readHead(items, key))?.slot ?? 'b'
  const slot = before === 'a' ? 'b' : 'a'
  const chunks = Math.ceil(text.length / chunkCharacters)
  for (let at = 0; at < chunks; at++) {
    await items.set(chunkKey(key, slot, at), text.slice(at * chunkCharacters, (at + 1) * chunkCharacters))
  }
  await items.set(key, JSON.stringify({ note, slot, chunks } satisfies Head))
  await sweep(items, key, [
    [slot, chunks],
    [before, 0],
  ])
}

export async function removeText(items: SecretItems, key: string): Promise<void> {
  await items.remove(key)
  await sweep(items, key, [
    ['a', 0],
    ['b', 0],
  ])
}

/** Removes chunks that no head speaks of, from a position on. They are sealed, and in nobody's way. */
async function sweep(
  items: SecretItems,
  key: string,
  rows: readonly (readonly [slot: Head['slot'], from: number])[],
): Promise<void> {
  try {
    for (const [slot, from] of rows) {
      let end = from
      while ((await items.get(chunkKey(key, slot, end))) !== null) end++
      for (let at = end - 1; at >= from; at--) await items.remove(chunkKey(key, slot, at))
    }
  } catch {
    // What was to be done is done; the next writer sweeps again.
  }
}

async function readHead(items: SecretItems, key: string): Promise<Head | null> {
  const text = await items.get(key)
  return text === null ? null : (JSON.parse(text) as Head)
}

function chunkKey(key: string, slot: Head['slot'], at: number): string {
  return `${key}.${slot}.${at}`
}
