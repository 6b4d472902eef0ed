import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Client } from 'pg'
import type { Statement, Unit } from '../sql/sql.ts'
import { parseDurability } from './durability.ts'
import { addressesOf } from './addresses.ts'
import { type Connect, connector } from './connect.ts'
import { postgresDialect } from './dialect.ts'
import { type Scene, sceneOn } from './fixture.test.ts'
import { BrokenSession, type Session } from './session.ts'
import { createWriter } from './writer.ts'

interface Trouble {
  /** The answers to the trips with these numbers, from 1, are lost. */
  readonly losing?: readonly number[]
  /** The first of these is refused for a reason of the server's own, and the session goes on. */
  readonly refusing?: RegExp
}

/** A writer on a table of the test's. */
async function writerOn(test: TestContext, { losing = [], refusing }: Trouble = {}) {
  const { url, ask, entropy } = await sceneOn(test)
  await ask('CREATE TABLE written (place INTEGER, what TEXT)')
  const connect = connector({
    addresses: addressesOf(url),
    prepare: postgresDialect(true),
    needs: { syncStandbysMin: 0 },
    allowLosingRotations: false,
    report: warning => assert.fail(warning),
  })
  await ask(`CREATE FUNCTION cancelled() RETURNS INTEGER LANGUAGE plpgsql AS $$ BEGIN
RAISE EXCEPTION 'cancelled' USING ERRCODE = 'query_canceled'; END $$`)
  const refuse = refusingFirst(refusing)
  let trips = 0
  const losingSome: Connect = async lost => {
    const trusted = await connect(lost)
    const { session } = trusted
    const ask: Session['ask'] = async statements => {
      trips += 1
      const isLost = losing.includes(trips)
      const replies = await session.ask(refuse(statements))
      if (!isLost) return replies
      session.destroy()
      throw new BrokenSession('the answer was lost')
    }
    return { ...trusted, session: { ...session, ask } }
  }
  const stamping = { due: () => [], now: () => [], stamped: () => undefined }
  const lossOf = (durability: string) => (parseDurability(durability).readOnly ? 'read-only' : null)
  const writer = createWriter({ count: 1, connect: losingSome, entropy }, { stamping, lossOf })
  return { url, writer, ask, written: () => ask('SELECT place, what FROM written ORDER BY place, what') }
}

/** What stands in the place of the first statement with this text fails, as that one may when it is cancelled. */
function refusingFirst(text: RegExp | undefined): (statements: readonly Statement[]) => readonly Statement[] {
  let isDone = false
  return statements => {
    const at = isDone ? -1 : statements.findIndex(statement => text?.test(statement.text))
    isDone ||= at >= 0
    return at < 0 ? statements : statements.with(at, { text: 'SELECT cancelled()', params: [] })
  }
}

async function openOther(url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  await client.connect()
  return client
}

/** Resolves once somebody in this database waits for a lock. */
async function someoneWaits(ask: Scene['ask']): Promise<void> {
  const waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
  while ((await ask(waiting)).length === 0) await new Promise(next => setImmediate(next))
}

function insert(place: number, what: string) {
  return { text: 'INSERT INTO written (place, what) VALUES ($1, $2)', params: [place, what] }
}

describe('a unit', () => {
  it('is refused where its guard changes several rows, and nothing of it stays', async test => {
    const { writer, written } = await writerOn(test)
    await writer.write({ about: null, guard: null, statements: [insert(1, 'a'), insert(2, 'b')] })
    const several: Unit = {
      about: null,
      guard: { text: "UPDATE written SET what = 'c'", params: [] },
      statements: [insert(3, 'd')],
    }
    await assert.rejects(writer.write(several), RangeError)
    const none = { ...several, guard: { text: 'DELETE FROM written WHERE place = $1', params: [9] } }
    assert.equal(await writer.write(none), 'moved')
    assert.deepEqual(await written(), [
      [1, 'a'],
      [2, 'b'],
    ])
    await writer.finish()
  })
  it('has moved where its guard would take what somebody else has taken in the same moment', async test => {
    const { url, writer, ask, written } = await writerOn(test)
    await ask('CREATE UNIQUE INDEX one_of_each ON written (what)')
    const take = (place: number): Unit => ({
      about: String(place),
      guard: {
        text: "UPDATE written SET what = 'taken' WHERE place = $1 AND NOT EXISTS (SELECT 1 FROM written WHERE what = 'taken')",
        params: [place],
      },
      statements: [insert(place, `event of ${place}`)],
    })
    await ask("INSERT INTO written VALUES (1, 'a'), (2, 'b')")
    // Somebody else is in the middle of taking it: the guard sees it free, and waits for how that ends.
    const other = await openOther(url)
    await other.query("BEGIN; UPDATE written SET what = 'taken' WHERE place = 1")
    const moving = writer.write(take(2))
    await someoneWaits(ask)
    await other.query('COMMIT')
    await other.end()
    assert.equal(await moving, 'moved')
    assert.deepEqual(await written(), [
      [1, 'taken'],
      [2, 'b'],
    ])
    await writer.finish()
  })
  it('that fails leaves those beside it alone', async test => {
    const { writer, written } = await writerOn(test)
    const unitOf = (place: number, text?: string): Unit => ({
      about: String(place),
      guard: insert(place, 'first'),
      statements: [text === undefined ? insert(place, 'second') : { text, params: [] }],
    })
    const outcomes = await Promise.allSettled([
      writer.write(unitOf(1)),
      writer.write(unitOf(2, 'INSERT INTO nowhere VALUES (1)')),
      writer.write(unitOf(3)),
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.deepEqual(await written(), [
      [1, 'first'],
      [1, 'second'],
      [3, 'first'],
      [3, 'second'],
    ])
    await writer.finish()
  })
  it('is written though the one before it failed before what both use was prepared', async test => {
    const { writer, written } = await writerOn(test)
    const moves: Unit = {
      about: '1',
      guard: { text: 'DELETE FROM written WHERE place = $1', params: [9] },
      statements: [insert(1, 'a')],
    }
    const outcomes = [
      writer.write(moves),
      writer.write({ about: '2', guard: insert(2, 'b'), statements: [insert(2, 'c')] }),
    ]
    assert.deepEqual(await Promise.all(outcomes), ['moved', 'done'])
    assert.deepEqual(await written(), [
      [2, 'b'],
      [2, 'c'],
    ])
    await writer.finish()
  })
  it('that was undone is asked for again though what became of the one beside it cannot be found out', async test => {
    const { writer, ask, written } = await writerOn(test, { losing: [1, 3] })
    await ask('CREATE SEQUENCE undone')
    await ask(`CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF nextval('undone') <= 2 THEN RAISE EXCEPTION 'undone' USING ERRCODE = '40001'; END IF; RETURN NEW; END $$`)
    await ask("CREATE TRIGGER undo BEFORE INSERT ON written FOR EACH ROW WHEN (NEW.what = 'b') EXECUTE FUNCTION undo()")
    await ask("INSERT INTO written VALUES (9, 'z')")
    const told: string[] = []
    const write = (name: string, guard: Unit['guard']): void => {
      const unit = { about: name, guard, statements: [insert(1, name)], mark: { id: name, stepId: name } }
      writer.write(unit).then(
        outcome => told.push(`${name} ${outcome}`),
        (error: Error) => told.push(`${name} ${error.name}`),
      )
    }
    write('a', { text: 'DELETE FROM written WHERE place = $1', params: [9] })
    write('b', insert(2, 'b'))
    await writer.finish()
    assert.deepEqual(told.toSorted(), ['a StoreUnavailable', 'b done'])
    assert.deepEqual(await written(), [
      [1, 'a'],
      [1, 'b'],
      [2, 'b'],
    ])
  })
})

describe('a unit in a session that goes on', () => {
  const names = ['a', 'b', 'c']
  const unitOf = (name: string, guard: Statement): Unit => ({
    about: name,
    guard,
    statements: [insert(2, name)],
    mark: { id: name, stepId: name },
  })
  it('leaves nothing where its BEGIN was refused, and nor do those beside it', async test => {
    const { writer, written } = await writerOn(test, { refusing: /^BEGIN/ })
    const none: Statement = { text: 'DELETE FROM written WHERE place = $1', params: [9] }
    const [first, ...others] = names
    const outcomes = await Promise.all(
      [
        writer.write(unitOf(first!, none)),
        ...others.map(name => writer.write({ about: name, guard: insert(1, name), statements: [insert(2, name)] })),
      ].map(outcome => outcome.catch((error: Error) => error.name)),
    )
    // Whether the first was done cannot be known any more: what it would have left is not there.
    assert.deepEqual(outcomes, ['StoreUnavailable', 'StoreUnavailable', 'StoreUnavailable'])
    assert.deepEqual(await written(), [])
    await writer.finish()
  })
  it('is not called done where the COMMIT before it was refused, but asked for again', async test => {
    const { writer, written } = await writerOn(test, { refusing: /^COMMIT/ })
    const outcomes = await Promise.all(
      names.map(name => writer.write(unitOf(name, insert(1, name))).catch((error: Error) => error.name)),
    )
    assert.deepEqual(outcomes, ['StoreUnavailable', 'done', 'done'])
    assert.deepEqual(await written(), [
      [1, 'b'],
      [1, 'c'],
      [2, 'b'],
      [2, 'c'],
    ])
    await writer.finish()
  })
})
