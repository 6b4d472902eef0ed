import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { duration, pairs, relative, table, wrap } from './style.ts'
import { plain } from './world.ts'

describe('what a terminal shows', () => {
  it('aligns columns and leaves no space at the end of a line', () => {
    assert.equal(
      table(
        ['A', 'LONG'],
        [
          ['wide cell', 'x'],
          ['y', ''],
        ],
      ),
      'A          LONG\nwide cell  x\ny',
    )
    assert.equal(
      pairs([
        ['a', '1'],
        ['long', '2'],
      ]),
      'a     1\nlong  2',
    )
  })

  it('says how far away an instant is, in the largest unit that fits', () => {
    const nowMs = 1_800_000_000_000
    assert.equal(relative(nowMs, nowMs), 'now')
    assert.equal(relative(nowMs - 59_000, nowMs), '59 s ago')
    assert.equal(relative(nowMs - 60_000, nowMs), '1 min ago')
    assert.equal(relative(nowMs + 3_600_000, nowMs), 'in 1 h')
    assert.equal(relative(nowMs + 30 * 86_400_000, nowMs), 'in 30 d')
  })

  it('names a lifetime exactly', () => {
    assert.deepEqual(
      [duration(2_592_000), duration(600), duration(90), duration(3601)],
      ['30 d', '10 min', '90 s', '3601 s'],
    )
  })

  it('breaks sentences at spaces only', () => {
    assert.equal(wrap('one two three', 7, '  '), 'one two\n  three')
    assert.equal(wrap('unbreakable', 4), 'unbreakable')
  })

  it('obeys nothing a stranger wrote', () => {
    assert.equal(plain('a\u001b[2Jb\u009b\u202ec\nd'), 'a\\u001b[2Jb\\u009b\\u202ec\\u000ad')
    assert.equal(plain('Zoë 👩 läuft'), 'Zoë 👩 läuft')
  })
})
