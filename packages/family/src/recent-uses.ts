/**
 * The last eight uses of a family, packed at fixed width so that a row keeps its size however often it is refreshed.
 * Newest first. One use: generation 4 bytes, time 6, address tag 4, agent tag 4, retry-key tag 8. An all-zero slot is
 * empty; an all-zero retry-key tag means "none" (a real tag is zero once in 2^64).
 */

export const recentUsesMax = 8
export const addressTagBytes = 4
export const agentTagBytes = 4
export const retryKeyTagBytes = 8
const useBytes = 4 + 6 + addressTagBytes + agentTagBytes + retryKeyTagBytes
export const recentUsesBytes = recentUsesMax * useBytes

const timeOffset = 4
const addressOffset = 10
const agentOffset = addressOffset + addressTagBytes
const retryKeyOffset = agentOffset + agentTagBytes

/** Which generation was presented, when, from where, and with which retry key. Tags are keyed hashes, never the thing. */
export interface Use {
  readonly generation: number
  readonly atMs: number
  readonly addressTag: Uint8Array
  readonly agentTag: Uint8Array
  readonly retryKeyTag: Uint8Array | null
}

export function emptyUses(): Uint8Array {
  return new Uint8Array(recentUsesBytes)
}

/** The ring with one more use in front; the oldest falls off. */
export function recordUse(uses: Uint8Array, use: Use): Uint8Array {
  const next = new Uint8Array(recentUsesBytes)
  next.set(uses.subarray(0, recentUsesBytes - useBytes), useBytes)
  const view = new DataView(next.buffer)
  view.setUint32(0, use.generation)
  view.setUint16(timeOffset, Math.floor(use.atMs / 0x1_0000_0000))
  view.setUint32(timeOffset + 2, use.atMs % 0x1_0000_0000)
  next.set(exactly(use.addressTag, addressTagBytes), addressOffset)
  next.set(exactly(use.agentTag, agentTagBytes), agentOffset)
  if (use.retryKeyTag !== null) next.set(exactly(use.retryKeyTag, retryKeyTagBytes), retryKeyOffset)
  return next
}

/** Every use on record, newest first. */
export function readUses(uses: Uint8Array): Use[] {
  const found: Use[] = []
  for (let slot = 0; !isEmpty(uses, slot); slot++) found.push(readUse(uses, slot))
  return found
}

/** True when the newest use on record presented this generation: nothing of the family was used after it. */
export function newestUseWasOf(uses: Uint8Array, generation: number): boolean {
  return !isEmpty(uses, 0) && viewOf(uses).getUint32(0) === generation
}

/** True when this generation was used with this retry key, as far back as the ring reaches. */
export function wasUsedWith(uses: Uint8Array, generation: number, retryKeyTag: Uint8Array): boolean {
  const view = viewOf(uses)
  for (let slot = 0; !isEmpty(uses, slot); slot++) {
    const start = slot * useBytes
    if (view.getUint32(start) !== generation) continue
    if (sameTag(uses, start + retryKeyOffset, retryKeyTag)) return true
  }
  return false
}

function readUse(uses: Uint8Array, slot: number): Use {
  const start = slot * useBytes
  const view = viewOf(uses)
  const retryKeyTag = uses.slice(start + retryKeyOffset, start + useBytes)
  return {
    generation: view.getUint32(start),
    atMs: view.getUint16(start + timeOffset) * 0x1_0000_0000 + view.getUint32(start + timeOffset + 2),
    addressTag: uses.slice(start + addressOffset, start + agentOffset),
    agentTag: uses.slice(start + agentOffset, start + retryKeyOffset),
    retryKeyTag: isAllZero(retryKeyTag) ? null : retryKeyTag,
  }
}

/** Also true of the slot behind the last one, so that a walk along the ring ends there. */
function isEmpty(uses: Uint8Array, slot: number): boolean {
  return isAllZero(uses.subarray(slot * useBytes, (slot + 1) * useBytes))
}

function sameTag(uses: Uint8Array, start: number, tag: Uint8Array): boolean {
  if (tag.length !== retryKeyTagBytes || isAllZero(tag)) return false
  return tag.every((byte, at) => uses[start + at] === byte)
}

function isAllZero(bytes: Uint8Array): boolean {
  return bytes.every(byte => byte === 0)
}

function viewOf(uses: Uint8Array): DataView {
  return new DataView(uses.buffer, uses.byteOffset, uses.byteLength)
}

function exactly(tag: Uint8Array, bytes: number): Uint8Array {
  if (tag.length !== bytes) throw new RangeError(`a tag of ${tag.length} bytes where ${bytes} belong`)
  return tag
}
