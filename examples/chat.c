/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A chat: a server and a client for it, each in one loop. They exchange lines, so that `nc` is a
 * client, too; those of the server itself begin with an asterisk. Others take part by MessagePack-RPC,
 * with the methods “join” and “say” and the topics “chat” and “members”. */

#include <errno.h>
#include <glib-unix.h>
#include <locale.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ADDRESS "tcp://localhost:18802"
#define MAX_LINE 2048   /* bytes */
#define MAX_TEXT 1024   /* bytes that somebody says at once */
#define MAX_NAME 20     /* characters */
#define MAX_MEMBERS 100
#define MAX_QUEUED (1024 * 1024) /* bytes for one who came by MessagePack-RPC */
#define MAX_ATTEMPTS 5
#define NAME_TIMEOUT 60000 /* milliseconds */
#define DRAIN_TIMEOUT 2000
#define QUESTION "* What is your name?"
#define REFUSAL "* No: "
#define WELCOME "* Welcome, "

/* ---- lines that are typed ---- */

typedef void (*TypedFunc) (const char *line, /* NULL: there will be no more */
                           gpointer    user_data);

typedef struct
{
  MsgpackRpcWatch *watch; /* owned */
  GString *line;          /* which has not ended */
  TypedFunc func;
  gpointer user_data;
} Keyboard;

static void
tell_lines (Keyboard *keyboard)
{
  char *end;

  while ((end = memchr (keyboard->line->str, '\n', keyboard->line->len)) != NULL)
    {
      g_autofree char *line = g_strndup (keyboard->line->str, (gsize) (end - keyboard->line->str));
      g_autofree char *valid = g_utf8_make_valid (g_strchomp (line), -1);

      g_string_erase (keyboard->line, 0, end + 1 - keyboard->line->str);
      if (valid[0] != '\0')
        keyboard->func (valid, keyboard->user_data);
    }
}

static gboolean
typed_cb (int                   fd,
          MsgpackRpcWatchEvents events G_GNUC_UNUSED,
          gpointer              user_data)
{
  Keyboard *keyboard = user_data;
  char chunk[MAX_TEXT];
  ssize_t n = read (fd, chunk, sizeof chunk);

  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;

  if (n > 0)
    {
      g_string_append_len (keyboard->line, chunk, n);
      tell_lines (keyboard);
      return G_SOURCE_CONTINUE;
    }

  g_string_append_c (keyboard->line, '\n');
  tell_lines (keyboard);
  keyboard->func (NULL, keyboard->user_data);
  return G_SOURCE_REMOVE;
}

static void
keyboard_start (Keyboard  *keyboard,
                TypedFunc  func,
                gpointer   user_data)
{
  keyboard->func = func;
  keyboard->user_data = user_data;
  keyboard->line = g_string_new (NULL);
  keyboard->watch = msgpack_rpc_watch_add (NULL, STDIN_FILENO, MSGPACK_RPC_WATCH_EVENTS_READ,
                                           typed_cb, keyboard, NULL);
}

static void
keyboard_stop (Keyboard *keyboard)
{
  if (keyboard->watch == NULL)
    return;

  msgpack_rpc_watch_remove (keyboard->watch);
  g_clear_object (&keyboard->watch);
  g_string_free (g_steal_pointer (&keyboard->line), TRUE);
}

/* ---- the server ---- */

typedef struct
{
  GMainLoop *loop;
  MsgpackRpcConnector *connector;
  MsgpackRpcServer *publisher; /* nullable */
  GHashTable *members;         /* channel or connection, owned → name, owned */
  Keyboard keyboard;
  gboolean is_leaving;
} Room;

/* Somebody who has no name yet, and a queue of their own until then. */
typedef struct
{
  Room *room;
  MsgpackRpcChannel *channel;
  MsgpackRpcEventQueue *queue;
  int n_attempts;
} Guest;

static void
guest_free (Guest *guest)
{
  g_object_unref (guest->channel);
  g_object_unref (guest->queue);
  g_free (guest);
}

/* What comes from elsewhere must not control the terminal. */
static char *
clean (const char *text,
       gsize       max_size)
{
  GString *cleaned = g_string_new (NULL);

  for (; *text != '\0' && cleaned->len < max_size; text = g_utf8_next_char (text))
    {
      gunichar c = g_utf8_get_char (text);

      g_string_append_unichar (cleaned, g_unichar_isprint (c) ? c : '?');
    }
  if (*text != '\0')
    g_string_append (cleaned, "…");
  return g_string_free (cleaned, FALSE);
}

static void G_GNUC_PRINTF (2, 3)
tell (MsgpackRpcChannel *channel,
      const char        *format,
      ...)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *line = NULL;
  va_list args;

  va_start (args, format);
  line = g_strdup_vprintf (format, args);
  va_end (args);

  /* Who does not read what the others say has to go. */
  if (!msgpack_rpc_channel_send (channel, g_variant_new_string (line), &error) &&
      g_error_matches (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL))
    msgpack_rpc_channel_close_async (channel, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
}

/* To all who read lines but @except, and on the terminal. */
static void
broadcast (Room       *room,
           const char *line,
           gpointer    except)
{
  GHashTableIter iter;
  gpointer member;

  g_hash_table_iter_init (&iter, room->members);
  while (g_hash_table_iter_next (&iter, &member, NULL))
    if (member != except && MSGPACK_RPC_IS_CHANNEL (member))
      tell (member, "%s", line);
  g_print ("%s\n", line);
}

static void
say (Room       *room,
     const char *name,
     const char *text,
     gpointer    sender)
{
  g_autofree char *cleaned = clean (text, MAX_TEXT);
  g_autofree char *line = g_strdup_printf ("%s: %s", name, cleaned);

  broadcast (room, line, sender);
  if (room->publisher != NULL)
    msgpack_rpc_server_publish (room->publisher, "chat", g_variant_new ("(ss)", name, cleaned),
                                NULL);
}

static GVariant *
list_names (Room *room)
{
  g_autoptr(GList) names = g_hash_table_get_values (room->members);
  GVariantBuilder builder;

  names = g_list_sort (names, (GCompareFunc) g_utf8_collate);
  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (GList *l = names; l != NULL; l = l->next)
    g_variant_builder_add (&builder, "s", l->data);
  return g_variant_builder_end (&builder);
}

/* That somebody has come or gone. */
static void
announce (Room       *room,
          const char *name,
          const char *what,
          gpointer    except)
{
  g_autofree char *line = g_strdup_printf ("* %s %s", name, what);

  broadcast (room, line, except);
  if (room->publisher != NULL)
    msgpack_rpc_server_publish (room->publisher, "members", list_names (room), NULL);
}

static gboolean
is_taken (Room       *room,
          const char *name)
{
  g_autofree char *folded = g_utf8_casefold (name, -1);
  GHashTableIter iter;
  gpointer other;
  gboolean taken = FALSE;

  g_hash_table_iter_init (&iter, room->members);
  while (!taken && g_hash_table_iter_next (&iter, NULL, &other))
    {
      g_autofree char *other_folded = g_utf8_casefold (other, -1);

      taken = strcmp (folded, other_folded) == 0;
    }
  return taken;
}

/* What is wrong with a name, or NULL. */
static const char *
check_name (Room       *room,
            const char *name)
{
  if (g_utf8_strlen (name, -1) < 1 || g_utf8_strlen (name, -1) > MAX_NAME)
    return "a name has 1 to 20 characters";

  for (const char *p = name; *p != '\0'; p = g_utf8_next_char (p))
    if (!g_unichar_isalnum (g_utf8_get_char (p)) && *p != '-' && *p != '_')
      return "a name has letters, digits, - and _";

  if (g_ascii_strcasecmp (name, "server") == 0 || is_taken (room, name))
    return "the name is taken";
  return NULL;
}

/* ---- of the server: those without a name, each with a queue of their own ---- */

static void wait_for_name (Guest *guest);

/* From here on, what they say goes to the queue of all, behind what they said before. */
static void
admit (Guest      *guest,
       const char *name)
{
  Room *room = guest->room;

  tell (guest->channel, WELCOME "%s; %u others are here", name, g_hash_table_size (room->members));
  g_hash_table_insert (room->members, g_object_ref (guest->channel), g_strdup (name));
  announce (room, name, "has come", guest->channel);
  msgpack_rpc_event_queue_merge (guest->queue, msgpack_rpc_connector_get_queue (room->connector),
                                 NULL);
  guest_free (guest);
}

static void
turn_away (Guest      *guest,
           const char *reason)
{
  tell (guest->channel, REFUSAL "%s", reason);
  msgpack_rpc_channel_set_queue (guest->channel, NULL);
  msgpack_rpc_channel_close_async (guest->channel, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL,
                                   NULL);
  guest_free (guest);
}

static void
try_name (Guest      *guest,
          const char *name)
{
  const char *problem = check_name (guest->room, name);

  if (problem == NULL)
    admit (guest, name);
  else if (++guest->n_attempts == MAX_ATTEMPTS)
    turn_away (guest, problem);
  else
    {
      tell (guest->channel, REFUSAL "%s", problem);
      wait_for_name (guest);
    }
}

static void
guest_event_cb (GObject      *source,
                GAsyncResult *result,
                gpointer      user_data)
{
  MsgpackRpcEventQueue *queue = MSGPACK_RPC_EVENT_QUEUE (source);
  g_autoptr(MsgpackRpcEvent) event = msgpack_rpc_event_queue_receive_finish (queue, result, NULL);
  Guest *guest = user_data;

  if (event == NULL)
    {
      turn_away (guest, "that took too long");
      return;
    }

  switch (msgpack_rpc_event_get_kind (event))
    {
    case MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED:
      try_name (guest, g_variant_get_string (msgpack_rpc_event_get_message (event), NULL));
      break;

    case MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT:
    case MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT:
      guest_free (guest);
      break;

    default:
      wait_for_name (guest);
    }
}

static void
wait_for_name (Guest *guest)
{
  msgpack_rpc_event_queue_receive_async (guest->queue, NAME_TIMEOUT, NULL, guest_event_cb, guest);
}

static void
receive_guest (Room            *room,
               MsgpackRpcEvent *event)
{
  Guest *guest = g_new0 (Guest, 1);

  guest->room = room;
  guest->channel = g_object_ref (msgpack_rpc_event_get_channel (event));
  guest->queue = msgpack_rpc_event_queue_new ();
  msgpack_rpc_event_accept (event, guest->queue);
  tell (guest->channel, QUESTION);
  wait_for_name (guest);
}

/* ---- of the server: the others, and the server itself ---- */

static void
remove_member (Room         *room,
               gpointer      member,
               const GError *error,
               gsize         n_unsent)
{
  gpointer key, name;

  if (!g_hash_table_steal_extended (room->members, member, &key, &name))
    return;

  if (!room->is_leaving)
    announce (room, name, error != NULL ? "is lost" : "has gone", NULL);
  if (error != NULL)
    g_print ("* That is because: %s\n", error->message);
  if (n_unsent > 0)
    g_print ("* %" G_GSIZE_FORMAT " lines were not sent to %s\n", n_unsent, (char *) name);
  g_object_unref (key);
  g_free (name);
}

static void
remove_channel (Room            *room,
                MsgpackRpcEvent *event)
{
  gsize n_unsent = g_variant_n_children (msgpack_rpc_event_get_unsent (event)) +
                   (msgpack_rpc_event_get_incomplete (event) != NULL);

  remove_member (room, msgpack_rpc_event_get_channel (event), msgpack_rpc_event_get_error (event),
                 n_unsent);
}

static void
published_cb (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_autoptr(GVariant) unsent = NULL;

  unsent = msgpack_rpc_server_drain_finish (MSGPACK_RPC_SERVER (source), result, NULL);
  g_main_loop_quit (user_data);
}

static void
room_close (Room *room)
{
  if (room->publisher != NULL)
    msgpack_rpc_server_drain_async (room->publisher, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE,
                                    DRAIN_TIMEOUT, NULL, published_cb, room->loop);
  else
    g_main_loop_quit (room->loop);
}

static void
room_event_cb (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  MsgpackRpcEventQueue *queue = MSGPACK_RPC_EVENT_QUEUE (source);
  g_autoptr(MsgpackRpcEvent) event = msgpack_rpc_event_queue_receive_finish (queue, result, NULL);
  MsgpackRpcChannel *channel;
  Room *room = user_data;
  const char *name;

  /* The connector was shut down, and all has been told. */
  if (event == NULL)
    {
      room_close (room);
      return;
    }

  channel = msgpack_rpc_event_get_channel (event);
  switch (msgpack_rpc_event_get_kind (event))
    {
    case MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT:
      receive_guest (room, event);
      break;

    case MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED:
      name = g_hash_table_lookup (room->members, channel);
      if (name != NULL)
        say (room, name, g_variant_get_string (msgpack_rpc_event_get_message (event), NULL),
             channel);
      break;

    case MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT:
    case MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT:
      remove_channel (room, event);
      break;

    default:
      break;
    }
  msgpack_rpc_event_queue_receive_async (queue, -1, NULL, room_event_cb, room);
}

static void
room_leave (Room                *room,
            MsgpackRpcCloseMode  mode)
{
  if (!room->is_leaving)
    g_print ("* Leaving\n");
  room->is_leaving = TRUE;
  msgpack_rpc_connector_shut_down_async (room->connector, mode, NULL, NULL, NULL);
}

static void
room_typed (const char *line,
            gpointer    user_data)
{
  Room *room = user_data;

  if (line == NULL)
    return;

  if (strcmp (line, "/quit") == 0)
    room_leave (room, MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE);
  else if (strcmp (line, "/quit now") == 0)
    room_leave (room, MSGPACK_RPC_CLOSE_MODE_NOW);
  else if (strcmp (line, "/quit all") == 0)
    room_leave (room, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE);
  else if (line[0] == '/')
    g_printerr ("There are /quit, /quit all and /quit now\n");
  else
    say (room, "server", line, NULL);
}

/* The second time in a hurry. */
static gboolean
room_signal_cb (gpointer data)
{
  Room *room = data;

  room_leave (room, room->is_leaving ? MSGPACK_RPC_CLOSE_MODE_NOW
                                     : MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE);
  return G_SOURCE_CONTINUE;
}

static MsgpackRpcConnector *
make_connector (void)
{
  g_autoptr(MsgpackRpcCodec) codec = msgpack_rpc_lines_codec_new ();

  msgpack_rpc_lines_codec_set_max_size (MSGPACK_RPC_LINES_CODEC (codec), MAX_LINE);
  return msgpack_rpc_connector_new (codec);
}

static void
print_addresses (const char  *what,
                 char       **addresses)
{
  for (int i = 0; addresses[i] != NULL; i++)
    g_print ("* %s %s\n", what, addresses[i]);
}

/* ---- of the server: those who come by MessagePack-RPC ---- */

static gboolean
refuse (GError     **error,
        const char  *reason)
{
  g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE, reason);
  return FALSE;
}

static gboolean
join_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  MsgpackRpcConnection *connection = msgpack_rpc_invocation_get_connection (invocation);
  Room *room = user_data;
  const char *problem;
  const char *name;

  g_variant_get (params, "(&s)", &name);
  if (connection == NULL)
    return refuse (error, "you have gone already");
  if (g_hash_table_contains (room->members, connection))
    return refuse (error, "you have joined already");

  problem = check_name (room, name);
  if (problem != NULL)
    return refuse (error, problem);

  g_hash_table_insert (room->members, g_object_ref (connection), g_strdup (name));
  announce (room, name, "has come", NULL);
  return msgpack_rpc_invocation_return_value (invocation, list_names (room));
}

static gboolean
say_cb (MsgpackRpcInvocation  *invocation,
        GVariant              *params,
        gpointer               user_data,
        GError               **error)
{
  MsgpackRpcConnection *connection = msgpack_rpc_invocation_get_connection (invocation);
  Room *room = user_data;
  const char *name = g_hash_table_lookup (room->members, connection);
  const char *text;

  g_variant_get (params, "(&s)", &text);
  if (name == NULL)
    return refuse (error, "join first");
  if (text[0] == '\0' || strlen (text) > MAX_TEXT)
    return refuse (error, "a text has 1 to 1024 bytes");

  say (room, name, text, connection);
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

static void
disconnected_cb (MsgpackRpcServer     *publisher G_GNUC_UNUSED,
                 MsgpackRpcConnection *connection,
                 const GError         *error,
                 gpointer              user_data)
{
  remove_member (user_data, connection, error, 0);
}

static void
add_method (MsgpackRpcDispatcher *dispatcher,
            const char           *name,
            MsgpackRpcHandler     handler,
            Room                 *room,
            const char           *param_name,
            const char           *result_signature,
            const char           *description)
{
  const char * const param_names[] = { param_name, NULL };
  g_autoptr(MsgpackRpcMethod) method = NULL;

  msgpack_rpc_dispatcher_add_method (dispatcher, name, "(s)", handler, room, NULL);
  method = msgpack_rpc_dispatcher_lookup_method (dispatcher, name);
  msgpack_rpc_method_set_param_names (method, param_names);
  msgpack_rpc_method_set_result_signature (method, result_signature);
  msgpack_rpc_method_set_description (method, description);
}

static MsgpackRpcDispatcher *
make_dispatcher (Room *room)
{
  MsgpackRpcDispatcher *dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcTopic) chat = msgpack_rpc_dispatcher_add_topic (dispatcher, "chat", "(ss)");
  g_autoptr(MsgpackRpcTopic) members = NULL;

  msgpack_rpc_topic_set_description (chat, "Who has said what");
  members = msgpack_rpc_dispatcher_add_topic (dispatcher, "members", "as");
  msgpack_rpc_topic_set_description (members, "The names of all, whenever somebody comes or goes");
  /* Who reads slowly needs to know only how it is now. */
  msgpack_rpc_topic_set_policy (members, MSGPACK_RPC_TOPIC_POLICY_CONFLATE);

  add_method (dispatcher, "join", join_cb, room, "name", "as",
              "Takes part under a name, and returns the names of all");
  add_method (dispatcher, "say", say_cb, room, "text", NULL, "Says something to all");
  return dispatcher;
}

static gboolean
publish_at (Room        *room,
            const char  *address,
            GError     **error)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = make_dispatcher (room);
  g_auto(GStrv) addresses = NULL;

  room->publisher = msgpack_rpc_server_new ();
  msgpack_rpc_server_set_dispatcher (room->publisher, dispatcher);
  msgpack_rpc_server_set_max_connections (room->publisher, MAX_MEMBERS);
  /* Who does not read what the others say has to go here, too. */
  msgpack_rpc_limits_set_max_queued_bytes (msgpack_rpc_server_get_limits (room->publisher),
                                           MAX_QUEUED);
  g_signal_connect (room->publisher, "client-disconnected", G_CALLBACK (disconnected_cb), room);
  addresses = msgpack_rpc_server_listen_sync (room->publisher, address, NULL, error);
  if (addresses != NULL)
    print_addresses ("Publishing at", addresses);
  return addresses != NULL;
}

static gboolean
room_open (Room        *room,
           const char  *address,
           const char  *publish,
           GError     **error)
{
  g_auto(GStrv) addresses = NULL;

  msgpack_rpc_server_set_max_connections (msgpack_rpc_connector_get_server (room->connector),
                                          MAX_MEMBERS);
  if (publish != NULL && !publish_at (room, publish, error))
    return FALSE;

  addresses = msgpack_rpc_connector_listen_sync (room->connector, address, NULL, error);
  if (addresses == NULL)
    return FALSE;

  g_unix_signal_add (SIGINT, room_signal_cb, room);
  g_unix_signal_add (SIGTERM, room_signal_cb, room);
  msgpack_rpc_event_queue_receive_async (msgpack_rpc_connector_get_queue (room->connector), -1, NULL,
                                         room_event_cb, room);
  keyboard_start (&room->keyboard, room_typed, room);
  print_addresses ("Chatting at", addresses);
  return TRUE;
}

static gboolean
serve (const char  *address,
       const char  *publish,
       GError     **error)
{
  Room room = {
    .loop = g_main_loop_new (NULL, FALSE),
    .connector = make_connector (),
    .members = g_hash_table_new_full (NULL, NULL, g_object_unref, g_free),
  };
  gboolean done = room_open (&room, address, publish, error);

  if (done)
    g_main_loop_run (room.loop);

  keyboard_stop (&room.keyboard);
  g_clear_object (&room.publisher);
  g_hash_table_unref (room.members);
  g_object_unref (room.connector);
  g_main_loop_unref (room.loop);
  return done;
}

/* ---- the client ---- */

typedef struct
{
  GMainLoop *loop;
  MsgpackRpcConnector *connector;
  MsgpackRpcEventQueue *queue; /* of what comes before we are welcome */
  MsgpackRpcChannel *channel;
  const char *name;            /* nullable; to try first */
  Keyboard keyboard;
  gboolean is_welcome;
  gboolean has_failed;
} Member;

static void member_event_cb (GObject      *source,
                             GAsyncResult *result,
                             gpointer      user_data);

static void
member_leave (Member              *member,
              MsgpackRpcCloseMode  mode)
{
  msgpack_rpc_channel_close_async (member->channel, mode, NULL, NULL, NULL);
}

static gboolean
member_signal_cb (gpointer data)
{
  member_leave (data, MSGPACK_RPC_CLOSE_MODE_NOW);
  return G_SOURCE_CONTINUE;
}

static void
member_typed (const char *line,
              gpointer    user_data)
{
  Member *member = user_data;

  if (line == NULL)
    member_leave (member, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE);
  else if (strcmp (line, "/quit") == 0)
    member_leave (member, MSGPACK_RPC_CLOSE_MODE_NOW);
  else if (strlen (line) > MAX_TEXT)
    g_printerr ("Not sent: that has more than %d bytes\n", MAX_TEXT);
  else
    msgpack_rpc_channel_send (member->channel, g_variant_new_string (line), NULL);
}

static void
let_type (Member *member)
{
  if (member->keyboard.watch == NULL)
    keyboard_start (&member->keyboard, member_typed, member);
}

/* A line that has come before we were welcome. */
static void
negotiate (Member     *member,
           const char *line)
{
  MsgpackRpcEventQueue *common = msgpack_rpc_connector_get_queue (member->connector);

  if (strcmp (line, QUESTION) == 0 && member->name != NULL)
    {
      msgpack_rpc_channel_send (member->channel, g_variant_new_string (member->name), NULL);
      return;
    }

  g_print ("%s\n", line);
  let_type (member);
  if (!g_str_has_prefix (line, WELCOME))
    return;

  member->is_welcome = TRUE;
  msgpack_rpc_event_queue_merge (member->queue, common, NULL);
  msgpack_rpc_event_queue_receive_async (common, -1, NULL, member_event_cb, member);
}

static void
take_line (Member     *member,
           const char *text)
{
  g_autofree char *line = clean (text, MAX_LINE);

  if (member->is_welcome)
    g_print ("%s\n", line);
  else
    negotiate (member, line);
}

static void
member_end (Member       *member,
            const char   *what,
            const GError *error)
{
  if (error != NULL)
    g_printerr ("%s: %s\n", what, error->message);
  else if (what != NULL)
    g_print ("* %s\n", what);
  member->has_failed = error != NULL || !member->is_welcome;
  g_main_loop_quit (member->loop);
}

static void
member_handle (Member          *member,
               MsgpackRpcEvent *event)
{
  const GError *error = msgpack_rpc_event_get_error (event);

  switch (msgpack_rpc_event_get_kind (event))
    {
    case MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT:
      if (error != NULL)
        member_end (member, msgpack_rpc_channel_get_address (member->channel), error);
      break;

    case MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED:
      take_line (member, g_variant_get_string (msgpack_rpc_event_get_message (event), NULL));
      break;

    case MSGPACK_RPC_EVENT_KIND_MESSAGE_REJECTED:
      g_printerr ("Not sent: %s\n", error->message);
      break;

    case MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT:
      member_end (member, error != NULL ? "The connection is lost" : "The server has gone", error);
      break;

    case MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT:
      member_end (member, NULL, NULL);
      break;

    default:
      break;
    }
}

static void
member_event_cb (GObject      *source,
                 GAsyncResult *result,
                 gpointer      user_data)
{
  MsgpackRpcEventQueue *queue = MSGPACK_RPC_EVENT_QUEUE (source);
  g_autoptr(MsgpackRpcEvent) event = msgpack_rpc_event_queue_receive_finish (queue, result, NULL);
  Member *member = user_data;

  if (event == NULL)
    return;

  member_handle (member, event);
  /* Merged into the other queue, this one is no more asked. */
  if (g_main_loop_is_running (member->loop) && (queue != member->queue || !member->is_welcome))
    msgpack_rpc_event_queue_receive_async (queue, -1, NULL, member_event_cb, member);
}

static void
member_left_cb (GObject      *source,
                GAsyncResult *result,
                gpointer      user_data)
{
  MsgpackRpcConnector *connector = MSGPACK_RPC_CONNECTOR (source);
  g_autoptr(GVariant) unsent = msgpack_rpc_connector_shut_down_finish (connector, result, NULL);

  g_main_loop_quit (user_data);
}

static void
member_run (Member *member)
{
  g_unix_signal_add (SIGINT, member_signal_cb, member);
  g_unix_signal_add (SIGTERM, member_signal_cb, member);
  msgpack_rpc_event_queue_receive_async (member->queue, -1, NULL, member_event_cb, member);
  g_main_loop_run (member->loop);
  keyboard_stop (&member->keyboard);
  msgpack_rpc_connector_shut_down_async (member->connector, MSGPACK_RPC_CLOSE_MODE_NOW, NULL,
                                         member_left_cb, member->loop);
  g_main_loop_run (member->loop);
}

static gboolean
join (const char  *address,
      const char  *name,
      GError     **error)
{
  Member member = {
    .loop = g_main_loop_new (NULL, FALSE),
    .connector = make_connector (),
    .queue = msgpack_rpc_event_queue_new (),
    .name = name,
  };

  member.channel = msgpack_rpc_connector_open (member.connector, address, member.queue, error);
  if (member.channel != NULL)
    member_run (&member);

  g_clear_object (&member.channel);
  g_object_unref (member.queue);
  g_object_unref (member.connector);
  g_main_loop_unref (member.loop);
  return (error == NULL || *error == NULL) && !member.has_failed;
}

/* ---- both ---- */

int
main (int    argc,
      char **argv)
{
  g_autoptr(GOptionContext) options = g_option_context_new ("— talk to each other");
  g_autoptr(GError) error = NULL;
  g_autofree char *listen = NULL;
  g_autofree char *publish = NULL;
  g_autofree char *connect = NULL;
  g_autofree char *name = NULL;
  gboolean done;
  const GOptionEntry entries[] = {
    { "listen", 'l', 0, G_OPTION_ARG_STRING, &listen, "Serve at an address", "ADDRESS" },
    { "publish", 'p', 0, G_OPTION_ARG_STRING, &publish,
      "Let others take part by MessagePack-RPC at another one", "ADDRESS" },
    { "connect", 'c', 0, G_OPTION_ARG_STRING, &connect, "Join a server (" ADDRESS ")", "ADDRESS" },
    { "name", 'n', 0, G_OPTION_ARG_STRING, &name, "Your name there", "NAME" },
    { NULL },
  };

  setlocale (LC_ALL, "");
  setvbuf (stdout, NULL, _IOLBF, 0);
  g_option_context_set_summary (options,
                                "Serves with --listen, and joins a server otherwise. Each line that you\n"
                                "type is said to all. /quit leaves: a client at once, a server when it\n"
                                "has sent the lines that it has begun, all lines with /quit all, and at\n"
                                "once with /quit now.");
  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  if (argc > 1 || (listen != NULL ? connect != NULL || name != NULL : publish != NULL))
    {
      g_printerr ("Use --listen and perhaps --publish, or --connect and --name, and nothing else\n");
      return 2;
    }

  done = listen != NULL ? serve (listen, publish, &error)
                        : join (connect != NULL ? connect : ADDRESS, name, &error);
  if (error != NULL)
    g_printerr ("%s\n", error->message);
  return done ? 0 : 1;
}
