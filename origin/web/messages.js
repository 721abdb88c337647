/*
 * What the page says while no picture is moving.
 */
const $ = (id) => document.getElementById(id);

const MESSAGES = {
  waiting: ['Waiting for the stream', 'It starts by itself as soon as the broadcast is live.'],
  buffering: ['One moment', 'The picture is on its way.'],
  offline: ['Connection lost', 'Trying again …'],
  refused: ['This stream needs a valid link', 'The token in the address is missing, has expired, or is for another stream.'],
  ended: ['The broadcast has ended', 'Press play to watch it again.'],
  failed: ['This browser cannot play the stream', 'Please try a current version of Chrome, Edge, Firefox or Safari.'],
};

/** The page's state, for its style, and one of the messages above, if there is something to say. */
export function show(state, message) {
  document.body.dataset.state = state;
  if (!message) return;
  [$('message-title').textContent, $('message-detail').textContent] = MESSAGES[message];
}
