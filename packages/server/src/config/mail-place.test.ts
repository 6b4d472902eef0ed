import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { hasMailPassword, judgeMail, judgeSender, mailPlace, shownMail } from './mail-place.ts'

describe('where mail goes out', () => {
  it('is one URL of a mail server', () => {
    for (const good of [
      'smtp://localhost:2525',
      'smtps://user:secret@mail.example',
      'smtp://user:p%40ss@mail.example/',
    ]) {
      assert.equal(judgeMail(good), null, good)
    }
    const bad = [
      'mail.example',
      'http://mail.example',
      'smtp://',
      'smtp://mail.example/path',
      'smtp://mail.example?a=b',
      '',
    ]
    for (const text of bad) assert.notEqual(judgeMail(text), null, text)
  })

  it('names a sender that is an address', () => {
    assert.equal(judgeSender('id@example.com'), null)
    for (const text of ['Example <id@example.com>', 'id', 'a@b@c', 'id@example.com\r\nBcc: eve@evil.example']) {
      assert.notEqual(judgeSender(text), null, text)
    }
  })

  it('never shows its password', () => {
    const url = 'smtps://user:hunter2@mail.example'
    assert.equal(shownMail(url), 'smtps://user:***@mail.example')
    assert.deepEqual([hasMailPassword(url), hasMailPassword('smtp://user@mail.example')], [true, false])
    const place = mailPlace(url, 'id@example.com')
    for (const printed of [inspect(place), JSON.stringify(place), inspect({ place }, { depth: 5 })]) {
      assert.doesNotMatch(printed, /hunter2/)
    }
  })
})
