/**
 * A server from start to stop. The port is had first, because a development issuer is named after it and because a port
 * that is taken should be said before anything is opened; until the rest is ready, requests are told to come back.
 */

import { carryConfig } from '../config/carried-config.ts'
import { checkClock, completeConfig, type Config } from '../config/config.ts'
import { obtainMasterKeys } from '../config/master-key.ts'
import type { SettingsReading } from '../config/read-config.ts'
import type { Settings } from '../config/settings.ts'
import { newRequestId } from '../domain/identifiers.ts'
import { everySeconds } from '../domain/time.ts'
import { lineLogger, type Logger, stderrLines } from '../http/access-log.ts'
import type { HttpRequest, HttpResponse } from '../http/exchange.ts'
import { managementRoutes } from '../http/management.ts'
import { listen } from '../http/node-listener.ts'
import { refuseUnnamed } from '../http/unread-request.ts'
import { commonOf, openPawl, type Pawl } from '../pawl.ts'
import { listenOn, opened, type PublicListener } from './public-listener.ts'
import { type Crew, startCrew } from './workers/crew.ts'
import { threadsOf } from './workers/threads.ts'
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

type Handle = (request: HttpRequest) => Promise<HttpResponse>

/**
 * Resolves when the server answers. Rejects with `ConfigRefused` or `StoreUnavailable`, and then nothing is left open.
 * Other threads join it afterwards, so that several are not slower to start than one.
 */
export async function startServer(world: World, reading: SettingsReading): Promise<RunningServer> {
  const { settings, origins } = reading
  checkClock(settings, world.clock.nowMs())
  const threads = threadsOf(settings)
  const masterKeys = obtainMasterKeys(settings, world.environment, world.entropy)
  const lines = stderrLines()
  const logger = lineLogger(settings.logLevel, lines)
  for (const warning of reading.warnings) logger.warn({}, warning)
  const door = frontDoor()
  const common = commonOf(threads)
  const sharing = threads > 1 ? { threads, isFirst: true } : undefined
  const { clock, entropy } = world
  const listener = await listenOn(settings, door, { logger, sharing, nowMs: clock.nowMs, every: everySeconds })
  try {
    const heard = { ...settings, mtlsPort: listener.mtlsPort }
    const config = completeConfig(heard, masterKeys, listener.port)
    const pawl = await openPawl(config, { clock, entropy, logger, seat: { common, thread: 0 }, every: everySeconds })
    const carried = carryConfig(heard, masterKeys, listener.port)
    const hireCrew = (): Crew =>
      startCrew({ config: carried, common, passwords: pawl.passwords, logger, lines, nowMs: clock.nowMs })
    return await openManagement(
      { world, logger, config, pawl, listener, door, hireCrew },
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
  readonly listener: PublicListener
  readonly door: FrontDoor
  readonly hireCrew: () => Crew
}

async function openManagement(started: Started, port: number): Promise<RunningServer> {
  const { world, logger, config, pawl, listener, door, hireCrew } = started
  let isDraining = false
  let crew: Crew | null = null
  const checkStore = async (): Promise<void> => {
    await Promise.all([pawl.store.check(), crew?.check()])
  }
  const management = await opened('--admin-port', port, () => {
    const handle = managementHandle(world, { checkStore, isDraining: () => isDraining })
    return listen({ handle, port, logger })
  }).catch(async (cause: unknown) => {
    await pawl.close()
    throw cause
  })
  door.open(pawl)
  // Starting threads takes time, and whoever waits for this server waits for its first answer.
  const hiring = setImmediate(() => {
    crew = hireCrew()
  })
  return {
    config,
    pawl,
    admin: `http://127.0.0.1:${management.port}`,
    stop: async () => {
      isDraining = true
      clearImmediate(hiring)
      pawl.answerWaiting()
      // The others lean on this thread until their last answer is out.
      await Promise.all([listener.close(), crew?.stop()])
      await pawl.close()
      await management.close()
    },
  }
}

type Behind = Pick<Pawl, 'handle' | 'handleApplications' | 'refuse'>

interface FrontDoor extends Behind {
  readonly open: (behind: Behind) => void
}

/** Until it is open, everyone is asked to come back: nothing was tried, so the same request may be sent again (I14). */
function frontDoor(): FrontDoor {
  const starting: HttpResponse = { status: 503, headers: { 'Retry-After': '1', 'Cache-Control': 'no-store' }, body: '' }
  const wait = async (): Promise<HttpResponse> => starting
  let behind: Behind = { handle: wait, handleApplications: wait, refuse: refuseUnnamed }
  return {
    handle: request => behind.handle(request),
    handleApplications: request => behind.handleApplications(request),
    refuse: unread => behind.refuse(unread),
    open: pawl => {
      behind = pawl
    },
  }
}

function adminPortOf(settings: Settings, portWasSet: boolean): number {
  return settings.adminPort ?? (portWasSet ? 0 : adminPortDefault)
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
