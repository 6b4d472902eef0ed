/** What a refresh token or a code says about itself, for tests that look at the row behind it. */

import type { FamilyId } from '@pawl/family'
import { readFamilyId } from '../../packages/server/src/domain/token/family-id-bytes.ts'

const prefixCharacters = 8
/** After version, kind and key id. */
const familyIdOffset = 3
const generationOffset = familyIdOffset + 16

export function familyIdIn(token: string): FamilyId {
  return readFamilyId(bytesOf(token), familyIdOffset) as FamilyId
}

export function generationIn(token: string): number {
  return bytesOf(token).readUInt32BE(generationOffset)
}

function bytesOf(token: string): Buffer {
  return Buffer.from(token.slice(prefixCharacters), 'base64url')
}
