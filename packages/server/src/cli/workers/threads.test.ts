import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { settingsSchema } from '../../config/settings.ts'
import { threadsOf, workersUnaskedMax } from './threads.ts'

const unset = settingsSchema.parse({})
const inMemory = settingsSchema.parse({ store: 'sqlite::memory:' })

describe('the number of threads', () => {
  it('is that of the cores, up to a number that nobody asked for', () => {
    assert.equal(threadsOf(unset, true, 1), 1)
    assert.equal(threadsOf(unset, true, 4), 4)
    assert.equal(threadsOf(unset, true, workersUnaskedMax + 1), workersUnaskedMax)
    const elsewhere = settingsSchema.parse({ store: 'postgres://pawl@db.example/pawl' })
    assert.equal(threadsOf(elsewhere, true, 4), 4)
  })

  it('is one where the system does not share ports, or the database is in memory', () => {
    assert.equal(threadsOf(unset, false, 4), 1)
    assert.equal(threadsOf(inMemory, true, 4), 1)
  })

  it('is what was asked for, also on fewer cores', () => {
    assert.equal(threadsOf(settingsSchema.parse({ workers: 3 }), true, 1), 3)
    assert.equal(threadsOf(settingsSchema.parse({ workers: 1 }), false, 4), 1)
  })

  it('is refused where it cannot be', () => {
    const several = settingsSchema.parse({ workers: 2 })
    assert.throws(() => threadsOf(several, false, 4), { name: 'ConfigRefused', message: /use --workers 1/ })
    const asked = { ...inMemory, workers: 2 }
    assert.throws(() => threadsOf(asked, true, 4), { name: 'ConfigRefused', message: /one thread/ })
  })
})
