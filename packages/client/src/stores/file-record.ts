/** The file of one grant: JSON that holds its name, its version and what is sealed. */

import type { KeptRecord } from '../custody/custody-store.ts'
import { withEnd } from './expiry.ts'
import { readPrivateFile } from './private-place.ts'

export interface GrantFile {
  readonly name: string
  readonly record: KeptRecord
}

export function writeGrantFile(name: string, record: KeptRecord): string {
  return JSON.stringify({ name, ...record })
}

/**
 * Null where there is none. Throws where it is damaged, and `CustodyExposed` where others may use it. A file that is not
 * ours to understand is never taken for no file: that would be a sign-out.
 */
export function readGrantFile(path: string): GrantFile | null {
  const text = readPrivateFile(path)
  if (text === null) return null
  const kept = parsed(text)
  if (kept === null) throw new Error(`'${path}' is damaged: remove it and sign in again`)
  return kept
}

function parsed(text: string): GrantFile | null {
  try {
    return grantFileOf(JSON.parse(text))
  } catch {
    // What is no JSON was not written by us, or was changed since: the caller says so, and shows nothing of it.
    return null
  }
}

function grantFileOf(value: unknown): GrantFile | null {
  if (typeof value !== 'object' || value === null) return null
  const { name, version, sealed, expiresAtMs } = value as { readonly [key: string]: unknown }
  if (typeof name !== 'string' || typeof version !== 'string' || typeof sealed !== 'string') return null
  if (expiresAtMs !== undefined && typeof expiresAtMs !== 'number') return null
  return { name, record: withEnd(version, sealed, expiresAtMs) }
}
