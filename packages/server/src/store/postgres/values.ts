/** Values on the wire. Every type that a statement of ours answers is named here, and read as `store/sql` expects it. */

import type { Value } from '../sql/sql.ts'

const byteaType = 17
const bigintType = 20
const smallintType = 21
const integerType = 23

type ReadValue = (text: string) => Value

/** For `pg`, which asks once per column and result. */
export function readerOf(type: number): ReadValue {
  switch (type) {
    case byteaType:
      return readBytes
    case bigintType:
      return readBigint
    case smallintType:
    case integerType:
      return Number
    default:
      return readText
  }
}

/** An instant or a count. Beyond 2^53 a number of JavaScript would not be that number any more. */
function readBigint(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number)) throw new RangeError('the database holds a number beyond 2^53')
  return number
}

/** `\x` and hexadecimal digits. */
function readBytes(text: string): Uint8Array {
  const { buffer, byteOffset, byteLength } = Buffer.from(text.slice(2), 'hex')
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function readText(text: string): string {
  return text
}

/** An array of texts as one parameter. */
export function textArray(texts: readonly string[]): string {
  return `{${texts.map(quoted).join(',')}}`
}

function quoted(text: string): string {
  return /["\\]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`
}
