/**
 * A place in the line of revocations as its reader carries it: with a tag for that one client, so that a cursor that was
 * made up, changed, or made for somebody else is nobody's, and leads nobody past what it has not read.
 */

import { timingSafeEqual } from 'node:crypto'
import type { ClientId } from '@pawl/family'
import { hmacSha256 } from '../keys/hmac.ts'
import { deriveKey, type MasterKey, type MasterKeys } from '../keys/master-keys.ts'

export interface FeedCursors {
  readonly make: (clientId: ClientId, place: number) => string
  /** Null on anything that this server did not make for this client. */
  readonly open: (clientId: ClientId, cursor: string) => number | null
}

const version = 1
const placeBytes = 8
const tagBytes = 16
const headBytes = 1 + placeBytes
const cursorBytes = headBytes + tagBytes
const cursorPattern = /^[A-Za-z0-9_-]{34}$/

export function feedCursors(keys: MasterKeys): FeedCursors {
  return {
    make: (clientId, place) => {
      const head = Buffer.alloc(headBytes)
      head.writeUInt8(version)
      head.writeBigUInt64BE(BigInt(place), 1)
      return Buffer.concat([head, tagOf(keys.current, clientId, head)]).toString('base64url')
    },
    open: (clientId, cursor) => {
      const bytes = Buffer.from(cursorPattern.test(cursor) ? cursor : '', 'base64url')
      // Characters with slack bits decode too; only what we would write is ours.
      if (bytes.length !== cursorBytes || bytes.toString('base64url') !== cursor || bytes[0] !== version) return null
      const head = bytes.subarray(0, headBytes)
      const tag = bytes.subarray(headBytes)
      const isOurs = keys.all.some(key => timingSafeEqual(tag, tagOf(key, clientId, head)))
      return isOurs ? Number(head.readBigUInt64BE(1)) : null
    },
  }
}

function tagOf(key: MasterKey, clientId: ClientId, head: Uint8Array): Buffer {
  const message = Buffer.concat([head, Buffer.from(clientId)])
  return hmacSha256(deriveKey(key, 'revocation feed cursor'), message).subarray(0, tagBytes)
}
