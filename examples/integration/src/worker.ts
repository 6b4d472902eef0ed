/** One worker: the holder and the keep-alive over the common database, and what people may ask of it. */

import { ClientSecretBasic } from 'oauth4webapi'
import { Pool } from 'pg'
import { type Custody, type CustodyKey, type Holder, holdGrants } from '@pawl/client'
import { type KeepAlive, keepAlive } from '@pawl/client/keep-alive'
import { createCustodyTables, postgresStore } from '@pawl/client/postgres'
import { type Connections, connectionsTable, openConnections } from './connections.ts'
import type { Settings } from './settings.ts'

export interface Worker {
  readonly settings: Settings
  readonly custody: Custody
  readonly holder: Holder
  readonly connections: Connections
  readonly alive: KeepAlive
  readonly close: () => Promise<void>
}

const connectionsMax = 8
/** A refresh gives up early where the service is away: the keep-alive comes again, and others are not kept waiting. */
const refreshSeconds = 5

export async function openWorker(settings: Settings, custodyKey: CustodyKey): Promise<Worker> {
  const pool = new Pool({ connectionString: settings.databaseUrl, max: connectionsMax })
  // A connection that breaks while it is idle is replaced; nobody waits for it.
  pool.on('error', error => console.error(error.message))
  await makeTables(pool)
  const connections = openConnections(pool)
  const custody: Custody = {
    server: settings.issuer,
    client: { client_id: settings.clientId },
    authentication: ClientSecretBasic(settings.clientSecret),
    store: postgresStore({ pool }),
    custodyKey,
  }
  const holder = holdGrants({ ...custody, limits: { refreshSeconds } })
  const { refreshSecondsMax } = settings
  const alive = keepAlive({
    holder,
    grants: connections.names,
    ...(refreshSecondsMax !== null && {
      policy: { refreshSecondsMax, lookSeconds: refreshSecondsMax, listSeconds: refreshSecondsMax, cooldownSeconds: 1 },
    }),
    onEvent: event => {
      // Here a program writes a mail: to the operator, or to whoever is to sign in again.
      if (event.kind === 'trouble') console.error('trouble', event.error)
      else console.error(event.kind, event.health.grant, event.health.failure ?? event.health.endReason ?? '')
    },
  })
  return {
    settings,
    custody,
    holder,
    connections,
    alive,
    close: async () => {
      await alive.stop()
      await holder.close()
      await pool.end()
    },
  }
}

/** Workers that start together make the tables one after the other. */
async function makeTables(pool: Pool): Promise<void> {
  const connection = await pool.connect()
  try {
    await connection.query('SELECT pg_advisory_lock(7310)')
    await connection.query(createCustodyTables())
    await connection.query(connectionsTable)
    await connection.query('SELECT pg_advisory_unlock(7310)')
  } finally {
    connection.release()
  }
}
