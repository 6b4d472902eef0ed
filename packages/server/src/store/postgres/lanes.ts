/**
 * A fixed number of connections, each with one batch under way. What arrives meanwhile gathers and goes together. One
 * connection does the work as long as it keeps up, because large batches cost less than many; another joins where much
 * has gathered, or where a batch takes long, as one that waits for a row or for a standby does. A connection is made when
 * it is first needed and made again when it broke; while none can be had, whoever asks is told at once, and the next
 * attempt waits a little, so that a server that comes back is not knocked over.
 */

import type { Entropy } from '../../domain/entropy.ts'
import { StoreUnavailable } from '../../domain/store.ts'
import { asUnavailable, type Trusted } from './connect.ts'
import { createCrews, type Member, type Seat } from './crews.ts'

/** Beyond this the store says so at once instead of promising what it will not keep (I13). */
export const queuedTasksMax = 16_384
/** How much has to gather before another lane joins at once. */
export const joinTasksMin = 32
/** How long anything waits for a busy lane before another joins. */
export const joinMsMax = 5
const firstRestMs = 50
/** How long a lane rests at most after an attempt to connect that failed. */
export const restMsMax = 500

export interface LaneParts {
  readonly count: number
  /** Connects, and ends what is left of the connection this one takes the place of. */
  readonly connect: (lost: Trusted | null) => Promise<Trusted>
  readonly entropy: Entropy
  /** A connection that is there already. */
  readonly first?: Trusted
  /** Takes a seat beside the other crews of the store; without it there are none. */
  readonly join?: (member: Member) => Seat
}

export interface LaneWork<Task> {
  /** Takes what goes together from the queue, at least one task where there is one. */
  readonly take: (queue: Task[]) => readonly Task[]
  /** Gives every task of the batch its answer, or puts it back with `again`. Never rejects. */
  readonly work: (trusted: Trusted, batch: readonly Task[]) => Promise<void>
  readonly fail: (task: Task, error: StoreUnavailable) => void
}

export interface Lanes<Task> {
  /** False when too many wait. */
  readonly push: (task: Task) => boolean
  /** Puts tasks back at the front of the queue; they were let in before. */
  readonly again: (tasks: readonly Task[]) => void
  /** Resolves when everything that was pushed has its answer and every connection is closed. */
  readonly finish: () => Promise<void>
}

interface Lane {
  trusted: Trusted | null
  busy: boolean
  resting: boolean
  restMs: number
  /** Set where its connection is to be given up, to be called when that is done. */
  giveUp: (() => void) | null
}

interface Crew<Task> extends LaneParts {
  readonly work: LaneWork<Task>
  readonly queue: Task[]
  readonly lanes: readonly Lane[]
  readonly seat: Seat
  woken: boolean
  /** Set while somebody waits; says in time that the waiting has taken long enough. */
  patience: NodeJS.Timeout | null
  /** To be called when there is nothing left to do. */
  readonly finishing: (() => void)[]
}

export function createLanes<Task>(parts: LaneParts, work: LaneWork<Task>): Lanes<Task> {
  const lanes = Array.from({ length: parts.count }, (_, at) => newLane(at === 0 ? parts.first : undefined))
  const seat = (parts.join ?? alone)(memberOf(lanes))
  const crew: Crew<Task> = { ...parts, work, queue: [], lanes, seat, woken: false, patience: null, finishing: [] }
  return {
    push: task => {
      if (crew.queue.length >= queuedTasksMax) return false
      crew.queue.push(task)
      wake(crew)
      return true
    },
    again: tasks => {
      crew.queue.unshift(...tasks)
      wake(crew)
    },
    finish: async () => {
      await new Promise<void>(resolve => {
        crew.finishing.push(resolve)
        wake(crew)
      })
      for (const { trusted } of lanes) await trusted?.session.end()
    },
  }
}

function newLane(trusted: Trusted | null = null): Lane {
  return { trusted, busy: false, resting: false, restMs: 0, giveUp: null }
}

function alone(member: Member): Seat {
  return createCrews().join('first', member)
}

function memberOf(lanes: readonly Lane[]): Member {
  return {
    connections: () => lanes.filter(isConnected).length,
    closeStale: () => {
      for (const lane of lanes) if (!lane.busy && !isConnected(lane)) lane.trusted?.session.destroy()
    },
    giveUpOne: async () => {
      const lane = lanes.find(one => !one.busy && isConnected(one)) ?? lanes.find(isConnected)
      if (lane?.busy === false) return endConnection(lane)
      await new Promise<void>(resolve => {
        if (lane === undefined) resolve()
        else lane.giveUp = resolve
      })
    },
  }
}

/** In order, so that its place on the server is free at once. */
async function endConnection(lane: Lane): Promise<void> {
  const { trusted } = lane
  lane.trusted = null
  await trusted?.session.end()
}

/** In the next turn of the event loop: what arrives in this one goes together. */
function wake<Task>(crew: Crew<Task>): void {
  if (crew.woken) return
  crew.woken = true
  setImmediate(() => dispatch(crew))
}

function dispatch<Task>(crew: Crew<Task>): void {
  const { queue, lanes } = crew
  crew.woken = false
  for (let lane = nextLane(crew); lane !== null && queue.length > 0; lane = nextLane(crew)) drive(crew, lane)
  if (lanes.some(lane => lane.busy)) return waitInPatience(crew)
  if (queue.length > 0) failAll(crew, new StoreUnavailable('no connection to PostgreSQL can be had'))
  for (const finish of crew.finishing.splice(0)) finish()
}

function nextLane<Task>(crew: Crew<Task>): Lane | null {
  const joins = crew.queue.length >= joinTasksMin || !crew.lanes.some(lane => lane.busy)
  return joins ? idleLane(crew) : null
}

function waitInPatience<Task>(crew: Crew<Task>): void {
  if (crew.queue.length === 0 || crew.patience !== null) return
  crew.patience = setTimeout(() => {
    crew.patience = null
    const lane = crew.queue.length > 0 ? idleLane(crew) : null
    // Where none is idle, the first that becomes so goes on with the queue.
    if (lane === null) return
    drive(crew, lane)
    waitInPatience(crew)
  }, joinMsMax)
}

/** One with a connection, if there is any. */
function idleLane<Task>({ lanes, seat }: Crew<Task>): Lane | null {
  const idle = lanes.filter(lane => !lane.busy && !lane.resting)
  return idle.find(isConnected) ?? (seat.mayConnect() ? idle[0] : null) ?? null
}

function drive<Task>(crew: Crew<Task>, lane: Lane): void {
  lane.busy = true
  const driving = lane.trusted !== null && isConnected(lane) ? workOn(crew, lane.trusted) : connectAndWork(crew, lane)
  driving.then(
    () => leave(crew, lane),
    (error: unknown) => {
      leave(crew, lane)
      throw error
    },
  )
}

function leave<Task>(crew: Crew<Task>, lane: Lane): void {
  lane.busy = false
  suspectBroken(crew, lane)
  const { giveUp } = lane
  lane.giveUp = null
  if (giveUp !== null) endConnection(lane).then(giveUp, giveUp)
  wake(crew)
}

/**
 * Where one connection broke, those beside it are not trusted either, those of the other crews among them: what is asked
 * again must not meet the same, and nobody may go on reading from a primary that is none any more.
 */
function suspectBroken<Task>({ seat }: Crew<Task>, { trusted }: Lane): void {
  if (trusted === null || trusted.session.isOpen()) return
  trusted.distrust()
  seat.closeStale()
}

async function workOn<Task>({ work, queue }: Crew<Task>, trusted: Trusted): Promise<void> {
  const batch = work.take(queue)
  if (batch.length > 0) await work.work(trusted, batch)
}

async function connectAndWork<Task>(crew: Crew<Task>, lane: Lane): Promise<void> {
  const { seat } = crew
  suspectBroken(crew, lane)
  // It may still be open, to a server that does not count any more.
  lane.trusted?.session.destroy()
  try {
    lane.trusted = await seat.connect(() => crew.connect(lane.trusted))
    lane.restMs = 0
  } catch (error) {
    rest(crew, lane)
    if (!seat.isClaiming() && !crew.lanes.some(isConnected)) failAll(crew, asUnavailable(error))
    return
  } finally {
    // The way to the servers may have shown that what lies idle leads to one of the past.
    seat.closeStale()
  }
  await workOn(crew, lane.trusted)
}

function rest<Task>(crew: Crew<Task>, lane: Lane): void {
  lane.restMs = Math.min(Math.max(firstRestMs, lane.restMs * 2), restMsMax)
  lane.resting = true
  const wakeUp = (): void => {
    lane.resting = false
    wake(crew)
  }
  setTimeout(wakeUp, jittered(lane.restMs, crew.entropy)).unref()
}

function failAll<Task>({ queue, work }: Crew<Task>, error: StoreUnavailable): void {
  for (const task of queue.splice(0)) work.fail(task, error)
}

function isConnected({ trusted }: Lane): boolean {
  return trusted !== null && trusted.session.isOpen() && trusted.isCurrent()
}

/** Between half and the whole, so that nodes do not knock together. */
export function jittered(pauseMs: number, entropy: Entropy): number {
  const [byte = 0] = entropy.bytes(1)
  return Math.round((pauseMs * (256 + byte)) / 512)
}
