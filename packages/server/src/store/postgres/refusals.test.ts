/** What the server says against a write: undone for another's sake, or refused for good. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { StoreUnavailable } from '../../domain/store.ts'
import { eventOf, readFamily } from '../contract/fixture.test.ts'
import { nextStep, openedIn, type Scene, sceneOn } from './fixture.test.ts'
import { attemptsMax } from './writer.ts'

async function sceneWith(test: TestContext) {
  const scene = await sceneOn(test)
  return { ...scene, store: await scene.open() }
}

/** The server raises this against writes to families, or to the one named, so many times. A sequence counts past a rollback. */
async function raises({ ask }: Scene, code: string, times: number, id: string | null = null): Promise<void> {
  await ask('CREATE SEQUENCE raised')
  await ask(`CREATE FUNCTION raise_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF nextval('raised') <= ${times} THEN RAISE EXCEPTION 'secret %', NEW.step_id USING ERRCODE = '${code}'; END IF;
RETURN NEW; END $$`)
  const only = id === null ? '' : `WHEN (NEW.id = '${id}')`
  await ask(`CREATE TRIGGER raise_it BEFORE UPDATE ON families FOR EACH ROW ${only} EXECUTE FUNCTION raise_it()`)
}

async function raised({ ask }: Scene): Promise<number> {
  return Number((await ask('SELECT last_value FROM raised'))[0]?.[0])
}

describe('a transaction that the server undoes for another', () => {
  for (const code of ['40001', '40P01']) {
    it(`is asked for again, in its batch and as a unit (${code})`, async test => {
      const scene = await sceneWith(test)
      const { store, entropy } = scene
      const [plain, told] = [await openedIn(store, entropy), await openedIn(store, entropy)]
      const steps = [await nextStep(store, entropy, plain), await nextStep(store, entropy, told)] as const
      await raises(scene, code, 3)
      const events = [eventOf('token_repeated', entropy, { familyId: told.id })]
      const outcomes = [store.families.commit(steps[0]), store.families.commit({ ...steps[1], events })]
      assert.deepEqual(await Promise.all(outcomes), ['done', 'done'])
      assert.equal(await raised(scene), 5)
      assert.equal((await store.events.ofFamily(told.id, 10)).length, 1)
    })
    it(`is given up when that never ends, and nothing is written (${code})`, async test => {
      const scene = await sceneWith(test)
      const { store, entropy } = scene
      const family = await openedIn(store, entropy)
      const step = await nextStep(store, entropy, family)
      await raises(scene, code, 1000)
      await assert.rejects(store.families.commit(step), StoreUnavailable)
      assert.equal(await raised(scene), attemptsMax)
      assert.deepEqual((await readFamily(store, family)).family, family)
    })
  }
})

describe('a rotation that the server refuses', () => {
  it('fails alone, without showing what is in it, and the others of its batch are written', async test => {
    const scene = await sceneWith(test)
    const { store, entropy } = scene
    const families = await Promise.all(Array.from({ length: 5 }, () => openedIn(store, entropy)))
    const steps = await Promise.all(families.map(family => nextStep(store, entropy, family)))
    await raises(scene, '23514', 1000, families[2]?.id)
    const outcomes = await Promise.allSettled(steps.map(step => store.families.commit(step)))
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    )
    const told = inspect(outcomes[2])
    assert.ok(told.includes('23514') && !told.includes('secret') && !told.includes(String(steps[2]?.family.stepId)))
    const readings = await Promise.all(families.map(family => readFamily(store, family)))
    const isWritten = readings.map(({ family }, at) => family.stepId === steps[at]?.family.stepId)
    assert.deepEqual(isWritten, [true, true, false, true, true])
  })
})
