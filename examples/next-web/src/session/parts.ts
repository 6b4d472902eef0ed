/** What the routes are made of: openid-client for signing in, a holder for everything after it, one custody key for both. */

import { type CustodyKey, type Holder, type HolderClock, holdGrants, machineClock } from '@pawl/client'
import { fetchWithRetryKeys } from '@pawl/client/retry-keys'
import { openSqliteStore } from '@pawl/client/sqlite'
import * as client from 'openid-client'
import type { Settings } from './settings.ts'

export interface Parts {
  readonly settings: Settings
  readonly config: client.Configuration
  readonly custodyKey: CustodyKey
  readonly holder: Holder
  readonly close: () => Promise<void>
}

export async function openParts(
  settings: Settings,
  custodyKey: CustodyKey,
  clock: HolderClock = machineClock,
): Promise<Parts> {
  const { issuer, clientId, clientSecret } = settings
  const authentication = client.ClientSecretBasic(clientSecret)
  const config = await client.discovery(issuer, clientId, {}, authentication, {
    // The one line: the grant is keyed from its first token on, so that every later answer can be asked for again.
    [client.customFetch]: fetchWithRetryKeys(custodyKey),
    // Plain http is for an authorization server on this very machine.
    execute: issuer.protocol === 'http:' ? [client.allowInsecureRequests] : [],
  })
  const store = await openSqliteStore(settings.grantsFile, clock)
  const holder = holdGrants({
    server: config.serverMetadata(),
    client: { client_id: clientId },
    authentication,
    store,
    custodyKey,
    clock,
  })
  const close = async (): Promise<void> => {
    await holder.close()
    store.close()
  }
  return { settings, config, custodyKey, holder, close }
}
