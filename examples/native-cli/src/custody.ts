/**
 * Where this tool keeps what it was granted: sealed files in a directory of the person's own, under a key that lies in the
 * keystore of the system, or that an operator set. Any number of processes may use it at the same time.
 */

import type { Custody } from '@pawl/client'
import { environmentCustodyKey } from '@pawl/client/environment-key'
import { fileStore } from '@pawl/client/file'
import { keystoreCustodyKey } from '@pawl/client/keystore'
import type { Settings } from './settings.ts'

/** A person may have to unlock the keystore, and types a password for it. */
const unlockSeconds = 60

/** Rejects with `CustodyKeyUnavailable` where there is no key to be had. */
export async function openCustody(settings: Settings): Promise<Custody> {
  const { directory, issuer, clientId } = settings
  const store = fileStore(directory)
  const custodyKey = settings.hasKeyInEnvironment
    ? await environmentCustodyKey()
    : await keystoreCustodyKey({ service: 'pawl-example', directory, seconds: unlockSeconds })
  return { server: issuer.href, client: { client_id: clientId }, store, custodyKey }
}
