/**
 * Under which name a client knows a user (OIDC Core §8). A pairwise name is a keyed hash of sector and subject: two
 * sectors cannot tell that they speak of one person, and nobody finds the subject behind it. Its key belongs to the
 * deployment and never changes: with the master keys every name would change too, and users would be strangers.
 */

import type { Subject } from '@pawl/family'
import type { Client } from '../client/client.ts'
import { sectorOf } from '../client/sector.ts'
import { hmacSha256 } from '../keys/hmac.ts'
import type { Store } from '../store.ts'
import type { Entropy } from '../entropy.ts'

export interface Subjects {
  /** `sub`, in every token and answer that this client gets, or that is about one it holds. */
  readonly nameFor: (client: Pick<Client, 'redirectUris' | 'tokens'>, subject: Subject) => string
}

const keyBytes = 32

/** Reads the key of the deployment; the first process that asks makes it. */
export async function openSubjects(store: Pick<Store, 'setting'>, entropy: Entropy): Promise<Subjects> {
  const key = await store.setting('pairwise subjects', entropy.bytes(keyBytes))
  return {
    nameFor: (client, subject) => (client.tokens.subjectType === 'public' ? subject : pairwise(key, client, subject)),
  }
}

/** The length before the sector keeps it apart from the subject, whatever characters they have. */
function pairwise(key: Uint8Array, client: Pick<Client, 'redirectUris' | 'tokens'>, subject: Subject): string {
  const sector = sectorOf(client)
  return hmacSha256(key, Buffer.from(`${sector.length} ${sector} ${subject}`)).toString('base64url')
}
