"""The program under faults: broken networks, odd servers, people, interruptions, kills."""
