/** A family id as the 16 bytes of its UUID (RFC 9562 §4), and back. */

import type { FamilyId } from '@pawl/family'

export const familyIdBytes = 16
const hexDigits = 2 * familyIdBytes

/** Throws a RangeError on what is no UUID, so that no token is made for it. */
export function writeFamilyId(id: FamilyId, target: Buffer, offset: number): void {
  const hex = id.slice(0, 8) + id.slice(9, 13) + id.slice(14, 18) + id.slice(19, 23) + id.slice(24)
  if (hex.length !== hexDigits || target.write(hex, offset, 'hex') !== familyIdBytes) {
    throw new RangeError('a family id that is no UUID')
  }
}

/** The UUID that stands at the offset. Whether it is a family id is for the caller to know or to check. */
export function readFamilyId(bytes: Buffer, offset: number): string {
  const hex = bytes.toString('hex', offset, offset + familyIdBytes)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
