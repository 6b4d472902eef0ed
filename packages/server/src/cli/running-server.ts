/**
 * A server from start to stop. The port is had first, because a development issuer is named after it and because a port
 * that is taken should be said before anything is opened; until the rest is ready, requests are told to come back.
 */

import type { Settings } from '../config/settings.ts'
import { completeConfig, type Config, checkClock } from '../config/config.ts'
import { ConfigRefused } from '../config/config-refused.ts'
import { obtainMasterKeys } from '../config/master-key.ts'
import type { SettingsReading } from '../config/read-config.ts'
import { newRequestId } from '../domain/identifiers.ts'
import { stderrLogger } from '../http/access-log.ts'
import type { HttpRequest, HttpResponse } from '../http/exchange.ts'
import { managementRoutes } from '../http/management.ts'
import { listen, type Listener } from '../http/node-listener.ts'
import { refuseUnnamed } from '../http/unread-request.ts'
import { openPawl, type Pawl } from '../pawl.ts'
import type { World } from './world.ts'

export const adminPortDefault = 7294

export interface RunningServer {
  readonly config: Config
  readonly pawl: Pawl
  /** Where `/livez` and `/readyz` are. */
  readonly admin: string
  /** Not ready any more, then answers what is in flight, then lets go of the store. */
  readonly stop: () => Promise<void>
}

type Logger = ReturnType<typeof stderrLogger>
type Handle = (request: HttpRequest) => Promise<HttpResponse>

/** Resolves when the server answers. Rejects with `ConfigRefused` or `StoreUnavailable`, and then nothing is left open. */
export async function startServer(world: World, reading: SettingsReading): Promise<RunningServer> {
  const { settings, origins } = reading
  checkClock(settings, world.clock.nowMs())
  const masterKeys = obtainMasterKeys(settings, world.environment, world.entropy)
  const logger = stderrLogger(settings.logLevel)
  for (const warning of reading.warnings) logger.warn({}, warning)
  const door = frontDoor()
  const listener = await listenOn(settings, door, logger)
  try {
    const config = completeConfig(settings, masterKeys, listener.port)
    const pawl = await openPawl(config, { clock: world.clock, entropy: world.entropy, logger })
    return await openManagement(
      { world, logger, config, pawl, listener, door },
      adminPortOf(settings, origins.has('port')),
    )
  } catch (cause) {
    await listener.close()
    throw cause
  }
}

interface Started {
  readonly world: World
  readonly logger: Logger
  readonly config: Config
  readonly pawl: Pawl
  readonly listener: Listener
  readonly door: FrontDoor
}

async function openManagement(started: Started, port: number): Promise<RunningServer> {
  const { world, logger, config, pawl, listener, door } = started
  let isDraining = false
  const readiness = { checkStore: () => pawl.store.check(), isDraining: () => isDraining }
  const management = await opened('--admin-port', port, () => {
    return listen({ handle: managementHandle(world, readiness), port, logger })
  }).catch(async (cause: unknown) => {
    await pawl.close()
    throw cause
  })
  door.open(pawl)
  return {
    config,
    pawl,
    admin: `http://127.0.0.1:${management.port}`,
    stop: async () => {
      isDraining = true
      await listener.close()
      await pawl.close()
      await management.close()
    },
  }
}

type Behind = Pick<Pawl, 'handle' | 'refuse'>

interface FrontDoor extends Behind {
  readonly open: (behind: Behind) => void
}

/** Until it is open, everyone is asked to come back: nothing was tried, so the same request may be sent again (I14). */
function frontDoor(): FrontDoor {
  const starting: HttpResponse = { status: 503, headers: { 'Retry-After': '1', 'Cache-Control': 'no-store' }, body: '' }
  let behind: Behind = { handle: async () => starting, refuse: refuseUnnamed }
  return {
    handle: request => behind.handle(request),
    refuse: unread => behind.refuse(unread),
    open: pawl => {
      behind = pawl
    },
  }
}

function listenOn(settings: Settings, door: FrontDoor, logger: Logger): Promise<Listener> {
  const { host, port, trustedProxies, drainSeconds } = settings
  const where = host === null ? {} : { host: [host] }
  const limits = { drainMsMax: drainSeconds * 1000 }
  return opened('--port', port, () => listen({ ...door, port, trustedProxies, logger, limits, ...where }))
}

function adminPortOf(settings: Settings, portWasSet: boolean): number {
  return settings.adminPort ?? (portWasSet ? 0 : adminPortDefault)
}

/** Turns what the system says about a port into a sentence that says what to change. */
async function opened(flag: string, port: number, open: () => Promise<Listener>): Promise<Listener> {
  try {
    return await open()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null
    if (code === 'EADDRINUSE') throw new ConfigRefused(`Port ${port} is taken: choose another with ${flag}.`, { cause })
    if (code === 'EACCES')
      throw new ConfigRefused(`Port ${port} is not allowed to this user: choose another with ${flag}.`, { cause })
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      throw new ConfigRefused('This machine does not have the address --host names.', { cause })
    }
    if (cause instanceof RangeError) throw new ConfigRefused(`${cause.message}.`, { cause })
    throw cause
  }
}

/** Two paths, so a table and no router: what is served here is for the machinery round the server alone. */
function managementHandle(world: World, readiness: Parameters<typeof managementRoutes>[0]): Handle {
  const routes = managementRoutes(readiness)
  const nothing: HttpResponse = { status: 404, headers: { 'Cache-Control': 'no-store' }, body: '' }
  return async request => {
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const found = routes.find(route => route.path === request.path && route.methods.includes(method))
    return found === undefined ? nothing : found.endpoint({ ...request, method }, newRequestId(world.entropy))
  }
}
