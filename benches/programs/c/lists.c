/* Linked lists from an allocator of our own: build, merge sort by links, reverse, free. */

#include "program.h"

#define MOST 65536

struct node {
    struct node *next;
    uint32_t key;
    uint32_t value;
};

static struct node pool[MOST];
static struct node *free_nodes;

static struct node *allocate(void) {
    struct node *node = free_nodes;
    if (!node)
        __builtin_trap();
    free_nodes = node->next;
    return node;
}

static struct node *sort(struct node *list) {
    if (!list || !list->next)
        return list;
    struct node *slow = list, *fast = list->next;
    while (fast && fast->next) {
        slow = slow->next;
        fast = fast->next->next;
    }
    struct node *right = sort(slow->next);
    slow->next = 0;
    struct node *left = sort(list), *head = 0, **tail = &head;
    while (left && right) {
        struct node **from = left->key <= right->key ? &left : &right;
        *tail = *from;
        tail = &(*from)->next;
        *from = (*from)->next;
    }
    *tail = left ? left : right;
    return head;
}

RUN {
    if (n > MOST)
        __builtin_trap();
    random_state = 8;
    free_nodes = 0;
    /* An odd stride visits every node once, so that neighbours in the list are not neighbours in memory. */
    for (uint32_t i = 0; i < MOST; i++) {
        struct node *node = &pool[i * 4099u % MOST];
        node->next = free_nodes;
        free_nodes = node;
    }
    struct node *list = 0;
    for (int32_t i = 0; i < n; i++) {
        struct node *node = allocate();
        node->key = (uint32_t)(random_next() >> 40);
        node->value = (uint32_t)i;
        node->next = list;
        list = node;
    }
    uint64_t sum = 0;
    for (int round = 0; round < 4; round++) {
        list = sort(list);
        struct node *reversed = 0;
        while (list) {
            struct node *next = list->next;
            sum = mix(sum, (uint64_t)list->key << 32 | list->value);
            list->key = (list->key * 2654435761u) >> 8;
            list->next = reversed;
            reversed = list;
            list = next;
        }
        list = reversed;
    }
    return (int64_t)sum;
}
